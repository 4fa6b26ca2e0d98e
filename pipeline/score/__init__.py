"""
Measure a cleaner against text that people made: gold files in, figures out. `run` strings the rest together.

    gold       what a gold file holds, and which pages belong to one site
    shapes     the shapes of flat text that people have, made from a gold page
    cache      shapes and the oracle's scores, kept outside the project
    measures   word F1, the line oracle, snippets and titles, macro F1 of lines
    systems    what is scored: ours, or anything else that cleans
    peers      what others publish
    pages      page gold: one page at a time, then means over groups
    lines      line gold: pooled by language, then averaged
    table      figures for people and for programs
"""

"""
Measure a cleaner against text that people made: gold files in, figures out.

    gold       what a gold file holds, and which pages belong to one site
    shapes     the shapes of flat text that people have, made from a gold page
"""

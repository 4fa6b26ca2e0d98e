"""
A run's report as one file of HTML: for mails, for a folder that a web server shows, and for `pipeline report --open`.

It is drawn from the report in Markdown, so both say the same. Nothing in it comes from elsewhere: no script, no picture, and
the browser is told to load none, whatever the names of files and sites hold.
"""

from html import escape
from pathlib import Path
from string import Template

from markdown_it import MarkdownIt

from pipeline.markdown import render_markdown
from pipeline.report import RunReport

# What strangers wrote is taken for text by the Markdown already; here the rules that could take it for more are off, too.
_MARKDOWN = (
    MarkdownIt("commonmark", {"html": False})
    .enable("table")
    .disable(["link", "image", "autolink", "html_inline", "html_block", "reference"])
)

_PAGE = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid #8886; padding: .25rem .75rem; text-align: left; overflow-wrap: anywhere; }
li, p { overflow-wrap: anywhere; }
</style>
</head>
<body>
$body</body>
</html>
""")


def render_html(report: RunReport, clean: Path = Path("clean")) -> str:
    """A run of the store at `clean` as a page that needs no other file."""
    body = _MARKDOWN.render(render_markdown(report, clean))
    return _PAGE.substitute(title=escape(f"Run {report.run_id}"), body=body)

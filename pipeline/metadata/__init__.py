"""
What a page declares about its article, and which of its declarations is believed.

Pages say the same thing in several places: JSON-LD, OpenGraph and other meta tags, marked elements, the printed headline
and byline, the address. Each field has a table of the places it is looked for, in the order of how often they were right
on pages whose metadata people wrote down. Dates are voted on, since their places often contradict each other.
"""

from pipeline.metadata.fields import read_declared, read_markup

__all__ = ["read_declared", "read_markup"]

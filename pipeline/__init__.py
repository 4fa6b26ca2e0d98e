"""Clean scraped article dumps line by line; every removal is explained and can be undone."""

__version__ = "0.1.0"

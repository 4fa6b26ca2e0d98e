"""Readers: one module a format, each with one `read_<format>(stream, reading, limits)`; `read.py` brings them together."""

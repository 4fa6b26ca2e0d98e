"""Readers: one module a format, each with one `read_<format>(...) -> Iterator[RawRecord]`."""

"""Reader of Parquet, as Hugging Face's datasets come: one row is one document."""

import io
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.records import RejectReason
from pipeline.sources.columns import find_roles, no_content, read_row
from pipeline.sources.found import Chosen, Found, Refused
from pipeline.sources.reading import FileReading, Limits

_ROWS = 1
"""Rows that Arrow unpacks at once: a text that stands in the file once may be that of all of them. 64 are no faster."""
_FOOTER_BYTES = 64 * 1024 * 1024  # of strings in a footer, which may claim to be of any size


def read_parquet(stream: io.BufferedReader, reading: FileReading, limits: Limits) -> Iterator[Found | Refused | Chosen]:
    """Yield the documents, a small batch of rows at a time; the stream must be one that can be sought in."""
    try:
        yield from _read(stream, reading, limits)
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        why = " ".join(str(error).split())[:200]
        reason = RejectReason.TRUNCATED if "not found in footer" in why else RejectReason.DAMAGED
        yield Refused(reason, f"no Parquet that can be read on: {why}")


def _read(stream: io.BufferedReader, reading: FileReading, limits: Limits) -> Iterator[Found | Refused | Chosen]:
    source = pa.PythonFile(stream, mode="r")
    with pq.ParquetFile(source, thrift_string_size_limit=_FOOTER_BYTES, pre_buffer=False) as file:
        names = file.schema_arrow.names
        roles = find_roles(names, reading)
        if not roles.has_content:
            yield no_content(names)
            return
        yield Chosen(roles.columns)
        columns = names if reading.keep_extra else list(dict.fromkeys(roles.columns.values()))
        size = stream.seek(0, io.SEEK_END)
        for group in range(file.num_row_groups):
            # Arrow may unpack all of a group for one row. Of single columns it may not be asked: it aborts where those lie.
            unpacked = file.metadata.row_group(group).total_byte_size
            if unpacked > max(limits.free_expansion, size * limits.expansion):
                detail = f"rows of {unpacked:,} bytes came out of the {size:,} of the file"
                yield Refused(RejectReason.EXPANDS_TOO_MUCH, detail, unpacked)
                continue
            for batch in file.iter_batches(_ROWS, row_groups=[group], columns=columns, use_threads=False):
                for number in range(batch.num_rows):
                    found = read_row({name: batch[name][number].as_py() for name in columns}, roles)
                    if len(found.data) > limits.record_bytes:
                        yield Refused(RejectReason.TOO_LARGE, f"a text of {len(found.data):,} bytes", len(found.data))
                    else:
                        yield found

"""
Members of ZIP and tar archives, one after the other, as streams: nothing is ever written to the disk.

A member's name is only a name: it may say which format and which site, and a path that leads out of the archive leads
nowhere. Links, devices and folders are passed over.
"""

import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import NamedTuple, Self

from pipeline.records import RejectReason
from pipeline.sources.discover import why_passed_over
from pipeline.sources.found import Refused, Skipped
from pipeline.sources.layers import Allowance, member_stream

_MOST_MEMBERS = 1_000_000
_HEADER_BYTES = 1024 * 1024
_MORE_OF_THE_NEXT = frozenset(
    {
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.SOLARIS_XHDTYPE,
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
    }
)
_PAGE_OF_OFFICE = ("[Content_Types].xml", "mimetype", "META-INF/MANIFEST.MF")
_ZIP_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    EOFError,
    KeyError,
)


class Member(NamedTuple):
    """A file in an archive."""

    name: str
    stream: io.BufferedReader


Members = Iterator[Member | Refused | Skipped]


def zip_members(stream: io.BufferedReader, allowance: Allowance) -> Members:
    """The files of a ZIP archive, in the order of its directory; the stream must be one that can be sought in."""
    try:
        archive = zipfile.ZipFile(stream)
    except _ZIP_FAULTS as error:
        yield Refused(_cut_or_damaged(stream), f"no ZIP archive: {error}"[:300], offset=0)
        return
    with archive:
        infos = archive.infolist()
        if infos and infos[0].filename in _PAGE_OF_OFFICE:
            yield Refused(RejectReason.UNSUPPORTED, "an office document, book or program", offset=0)
            return
        for info in infos[:_MOST_MEMBERS]:
            yield from _zip_member(archive, info, allowance)


def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, allowance: Allowance) -> Members:
    why = None if not info.is_dir() else "folder"
    why = why or (
        "symbolic link" if (info.external_attr >> 16) & 0o170000 == 0o120000 else why_passed_over(info.filename)
    )
    if why is not None:
        if why != "folder":
            yield Skipped(f"{why} in an archive")
        return
    if info.flag_bits & 1:
        yield Refused(
            RejectReason.UNSUPPORTED, f"{shown(info.filename)} is encrypted", info.file_size, info.header_offset
        )
        return
    try:
        member = archive.open(info)
    except _ZIP_FAULTS as error:
        detail = f"{shown(info.filename)} cannot be opened: {error}"[:300]
        yield Refused(RejectReason.DAMAGED, detail, info.file_size, info.header_offset)
        return
    with member:
        yield Member(info.filename, member_stream(member.read, allowance, shown(info.filename)))


def tar_members(stream: io.BufferedReader, allowance: Allowance) -> Members:
    """The files of a tar archive, read from front to back."""
    try:
        with tarfile.open(fileobj=_Plain(stream), mode="r|", tarinfo=_Header) as archive:  # type: ignore[call-overload]
            while (info := archive.next()) is not None:
                archive.members = []  # it would remember all of them
                yield from _tar_member(archive, info, allowance)
    except (tarfile.TarError, ValueError, OverflowError, EOFError, KeyError, UnicodeError) as error:
        cut = "end" in str(error) or "truncated" in str(error)
        reason = RejectReason.TRUNCATED if cut else RejectReason.DAMAGED
        yield Refused(reason, f"no tar archive that can be read on: {error}"[:300])


def _tar_member(archive: tarfile.TarFile, info: tarfile.TarInfo, allowance: Allowance) -> Members:
    if info.isdir():
        return
    kind = "symbolic link" if info.issym() else "link" if info.islnk() else "device" if not info.isreg() else None
    why = kind or ("sparse file" if info.issparse() else why_passed_over(info.name))
    if why is not None:
        yield Skipped(f"{why} in an archive")
        return
    member = archive.extractfile(info)
    if member is not None:
        yield Member(info.name, member_stream(member.read, allowance, shown(info.name)))


def shown(name: str) -> str:
    """A member's name for a message."""
    return repr(name[:200].encode("utf-8", "replace").decode())


class _Header(tarfile.TarInfo):
    """A member's header. tarfile takes one that it cannot read for the end of the archive, unless it is the first."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Read a block of 512 bytes; `ReadError` where it is damaged, cut off or missing, or asks for much memory."""
        try:
            header = super().frombuf(buf, encoding, errors)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # these are left out of its types
            raise  # a block of zeros: the end, as it should be
        except (tarfile.EmptyHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError("the archive ends before its end") from error
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"a damaged header: {error}") from error
        if header.type in _MORE_OF_THE_NEXT and header.size > _HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {header.size:,} bytes")  # it would be read as a whole
        return header


class _Plain:
    """Only `read`, so that tarfile does not think it may seek."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream

    def read(self, count: int) -> bytes:
        return self._stream.read(count)


def _cut_or_damaged(stream: io.BufferedReader) -> RejectReason:
    """A ZIP archive that begins as one and has no directory at its end was cut off."""
    stream.seek(0)
    return RejectReason.TRUNCATED if stream.read(4) == b"PK\x03\x04" else RejectReason.DAMAGED

"""
Readers of mail (.eml, such as newsletters) and of saved pages (.mhtml): one file is one document.

Both are MIME, so the standard library takes them apart. A mail's headers are its metadata; of its text and its page the
preferred one is taken. A saved page tells its address and when it was saved.
"""

import io
from collections.abc import Iterator
from email.errors import MessageError
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import EmailPolicy
from itertools import islice

from pipeline.hosts import host_of
from pipeline.records import MediaType, Metadata, RejectReason
from pipeline.sources.columns import as_bytes, as_text
from pipeline.sources.dated import told_date
from pipeline.sources.found import Found, Refused
from pipeline.sources.layers import read_whole
from pipeline.sources.reading import FileReading, Limits

_ATTACHED = 4
"""A mail may be so many times as large as a text: most of it is pictures, in Base64."""
_MOST_PARTS = 1_000
_MOST_BOUNDARIES = 20_000
"""Lines that may part two parts: each takes 0.1 ms while a mail is taken apart, and a saved page has a few hundred."""
_MOST_SENDERS = 50
_HEADER_CHARACTERS = 8_000
_ADDRESSES = ("archived-at", "x-original-url", "content-location")
_FAULTS = (MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What the standard library has been seen to raise on broken headers."""


class _ShortHeaders(EmailPolicy):
    """Of a header only its start: the time to take one apart grows with the square of its length, 8 s for 100 KB."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """The name and the value of one that is being read."""
        name, value = super().header_source_parse(sourcelines)
        return name, value[:_HEADER_CHARACTERS]


_POLICY = _ShortHeaders()


def read_mail(stream: io.BufferedReader, reading: FileReading, limits: Limits) -> Iterator[Found | Refused]:
    """Yield the mail's text or page."""
    message = _parse(stream, limits)
    if isinstance(message, Refused):
        yield message
        return
    published = told_date(_header(message, "date"))
    url = next((url for url in (_address(message, name) for name in _ADDRESSES) if url), None)
    known = Metadata(
        title=_header(message, "subject"),
        authors=_senders(message),
        published=published,
        published_source="mail" if published else None,
        url=url,
        site=host_of(url),
    )
    kinds = ["text/plain", "text/html"] if reading.prefer == "text" else ["text/html", "text/plain"]
    yield _body(message, kinds, limits, known)


def read_saved_page(stream: io.BufferedReader, _reading: FileReading, limits: Limits) -> Iterator[Found | Refused]:
    """Yield the page that a browser saved; the pictures and styles with it are left."""
    message = _parse(stream, limits)
    if isinstance(message, Refused):
        yield message
        return
    url = _address(message, "snapshot-content-location")
    found = _body(message, ["text/html", "application/xhtml+xml"], limits, Metadata(url=url, site=host_of(url)))
    if isinstance(found, Found):
        found = Found(
            found.data,
            MediaType.HTML,
            found.known,
            found.declared_encoding,
            told_date(_header(message, "date")),
            offset=0,
        )
    yield found


def _parse(stream: io.BufferedReader, limits: Limits) -> EmailMessage | Refused:
    data = read_whole(stream, _ATTACHED * limits.record_bytes)
    if data is None:
        return Refused(
            RejectReason.TOO_LARGE, f"a mail of more than {_ATTACHED * limits.record_bytes:,} bytes", offset=0
        )
    if data.count(b"\n--") > _MOST_BOUNDARIES:
        return Refused(RejectReason.TOO_LARGE, f"a mail of more than {_MOST_BOUNDARIES:,} parts", len(data), 0)
    try:
        return BytesParser(policy=_POLICY).parsebytes(data.lstrip())  # type: ignore[return-value]  # as its policy makes them
    except _FAULTS as error:
        return Refused(RejectReason.DAMAGED, f"no mail: {error}"[:300], len(data), 0)


def _body(message: EmailMessage, kinds: list[str], limits: Limits, known: Metadata) -> Found | Refused:
    """The first part of the first of these kinds that is not blank; attached files are passed over."""
    parts = [part for _, part in zip(range(_MOST_PARTS), message.walk(), strict=False) if not _is_attached(part)]
    for kind in kinds:
        for part in parts:
            if part.get_content_type() != kind:
                continue
            data = _payload(part)
            if len(data) > limits.record_bytes:
                return Refused(RejectReason.TOO_LARGE, f"a text of {len(data):,} bytes", len(data), 0)
            if data.strip():
                media_type = MediaType.TEXT if kind == "text/plain" else MediaType.HTML
                return Found(data, media_type, known, _charset(part), offset=0)
    return Refused(RejectReason.EMPTY, f"no part of it is {' or '.join(kinds)}", offset=0)


def _is_attached(part: EmailMessage) -> bool:
    try:
        return part.get_content_disposition() == "attachment"
    except _FAULTS:
        return False


def _payload(part: EmailMessage) -> bytes:
    try:
        data = part.get_payload(decode=True)
    except _FAULTS:
        return b""
    return data if isinstance(data, bytes) else b""


def _charset(part: EmailMessage) -> str | None:
    try:
        return part.get_content_charset()
    except _FAULTS:
        return None


def _header(message: EmailMessage, name: str) -> str | None:
    """A header as one line; raw bytes beyond ASCII are read as they most likely are."""
    try:
        value = message.get(name)
        text = str(value) if value is not None else ""
    except _FAULTS:
        return None
    return _sound(text)


def _sound(text: str) -> str | None:
    """What the standard library leaves of raw bytes, which it keeps as surrogates, as text on one line."""
    sound = text if text.isprintable() else as_text(as_bytes(text))
    return " ".join(sound.replace("\ufffd", " ").split())[:2_000] or None


def _address(message: EmailMessage, name: str) -> str | None:
    """A header that holds an address of the web."""
    text = (_header(message, name) or "").strip("<> ")
    return text if text.startswith(("http://", "https://")) else None


def _senders(message: EmailMessage) -> tuple[str, ...]:
    try:
        header = message["from"]
        addresses = header.addresses if header else ()
        names = [_sound(address.display_name) for address in islice(addresses, _MOST_SENDERS) if address.display_name]
    except _FAULTS:
        return ()
    return tuple(name for name in names if name)

"""
Host names as this package spells them: lower case, without a leading "www.", without a port.

A leaf like `records`: readers take the site hint of a path from here, later stages the host of a URL, and both must
agree, because the memory of a site is kept under its host.
"""

import re
from urllib.parse import urlsplit

# RFC 1123 labels and a last label that is no number and no file suffix we read; punycode ("xn--p1ai") passes.
_HOST = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+(?:[^\W\d_]{2,63}|xn--[a-z0-9-]{1,59})", re.IGNORECASE)


def host_of(url: str | None) -> str | None:
    """
    Return the host a URL points to, or None where there is none.

    A scheme may be missing, as in many canonical links. Addresses that are no public host name (numbers, "localhost")
    give None: they say nothing about who published the text.

        >>> host_of("https://www.Example.org:8080/2024/a.html?x=1")
        'example.org'
        >>> host_of("//news.example.org/a")
        'news.example.org'
        >>> host_of("example.org/a"), host_of("/2024/a.html"), host_of("http://127.0.0.1/"), host_of("http://[bad")
        ('example.org', None, None, None)
    """
    if not url:
        return None
    text = url.strip()
    if "//" not in text[:64] and not text.startswith("/"):
        text = "//" + text
    try:
        host = urlsplit(text).hostname
    except ValueError:  # an unfinished IPv6 bracket or a character that no host may hold
        return None
    return _plain(host) if host else None


def site_of(key: str) -> str | None:
    """
    Return the first folder on a raw file's path that is a host name; a file's own name never is.

        >>> site_of("raw/WWW.example.org/2024/a.txt")
        'example.org'
        >>> site_of("2024-05-01/v1.2/readme.txt"), site_of("example.org")
        (None, None)
    """
    folders = key.split("/")[:-1]
    return next((host for host in map(_plain, folders) if host), None)


def _plain(name: str) -> str | None:
    """Return a host name as we spell it, or None if the name is not one."""
    host = name.lower().rstrip(".").removeprefix("www.")
    return host if len(host) <= 253 and _HOST.fullmatch(host) else None

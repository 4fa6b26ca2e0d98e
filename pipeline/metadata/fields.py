"""What a page declares, field by field, over what is known of it: from each field's first place that says something."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

from pipeline.declared import plain
from pipeline.hosts import host_of
from pipeline.metadata.authors import find_authors
from pipeline.metadata.page import DeclaredPage, Found, name_of, strings_in, text_in
from pipeline.metadata.published import find_modified, find_published
from pipeline.records import Document, Metadata, merge
from pipeline.titles import Title, choose_title

_TITLE_TAGS = {
    "og:title": "opengraph", "twitter:title": "meta", "parsely-title": "meta", "sailthru.title": "meta", "dc.title": "meta",
    "citation_title": "meta", "headline": "microdata",
}  # fmt: skip
_SITE_TAGS = {
    "og:site_name": "opengraph", "application-name": "meta", "apple-mobile-web-app-title": "meta", "publisher": "meta",
    "dc.publisher": "meta",
}  # fmt: skip
_TAG_TAGS = {
    "article:tag": "opengraph",
    "news_keywords": "meta",
    "parsely-tags": "meta",
    "keywords": "meta",
    "sailthru.tags": "meta",
}
_DESCRIPTION_TAGS = {
    "og:description": "opengraph",
    "description": "meta",
    "twitter:description": "meta",
    "dc.description": "meta",
}
_IMAGE_TAGS = {
    "og:image": "opengraph",
    "og:image:url": "opengraph",
    "twitter:image": "meta",
    "twitter:image:src": "meta",
}
_URL_TAGS = {"og:url": "opengraph", "twitter:url": "meta"}
_LANGUAGE_TAGS = {"og:locale": "opengraph", "content-language": "meta", "language": "meta", "dc.language": "meta"}


_LONGEST_TAG = 60
_MOST_TAGS = 30


def read_declared(document: Document) -> Document:
    """The document with what its markup declares of its article: metadata as `read_markup`, and its text where that is given."""
    page = DeclaredPage(document)
    return replace(document, known=_metadata(page), declared_body=_body(page))


def _body(page: DeclaredPage) -> str | None:
    """The article's text in JSON-LD; of pages that give several, as lists of articles do, none is the page's own."""
    bodies = {body for node in page.articles if isinstance(body := node.get("articleBody"), str) and body.strip()}
    return bodies.pop() if len(bodies) == 1 else None


def read_markup(document: Document) -> Metadata:
    """
    Read what an HTML document declares, over what its path and headers told.

    The title is the headline as the page prints it, so that it can be found among the lines; without one it is the
    declared title without the site's name. Never raises on any markup.

        >>> from pipeline.decode import document_from_text
        >>> page = document_from_text("<title>Rain again | Example News</title><h1>Rain  again</h1>", url="https://example.org/")
        >>> read_markup(page).title, read_markup(page).site
        ('Rain again', 'example.org')
    """
    return _metadata(DeclaredPage(document))


def _metadata(page: DeclaredPage) -> Metadata:
    """What a page declares, over what is known of it."""
    url = _url(page)
    names = [found.text for found in _site_names(page)]
    address = host_of(url.text if url else None) or page.known.site
    title = page.title = _title(page, names, address)
    authors = find_authors(page, [*names, address])
    published, modified = find_published(page, url), find_modified(page)
    declared = Metadata(
        site=address,
        published_raw=published.raw if published else None,
        published_day=published.time.date() if published else None,
        **_columns(
            title=title,
            authors=authors,
            published=(published.time.astimezone(UTC), published.source) if published else None,
            modified=(modified.time.astimezone(UTC), modified.source) if modified else None,
            url=url,
            site_name=next(_site_names(page), None),
            language=_language(page),
            tags=next(_tags(page), None),
            description=next(page.metas(_DESCRIPTION_TAGS), None) or next(page.json("description"), None),
            image=next(_images(page, url), None),
        ),
    )
    return merge(replace(page.known, url=None, url_source=None, site=None), declared)


def _columns(**found: tuple[Any, str] | None) -> dict[str, Any]:
    """What was found, each value with where it was read, by the names of their columns."""
    known = {name: value for name, value in found.items() if value}
    return {name: value for name, (value, _) in known.items()} | {
        f"{name}_source": source for name, (_, source) in known.items()
    }


def _title(page: DeclaredPage, names: Sequence[str], host: str | None) -> Title | None:
    articles = (text_in(node.get("headline")) or text_in(node.get("name")) for node in page.articles)
    pages = (text_in(node.get("headline")) for node in page.pages)
    declared = [
        *(Title(plain(unescape(text)), "json-ld") for text in articles if text),
        *(Title(found.text, found.source) for found in page.metas(_TITLE_TAGS)),
        *(Title(plain(unescape(text)), "json-ld") for text in pages if text),
        Title(page.declared.title, "title"),
    ]
    labels = (host or "").split(".")
    hosts = [host or "", *(label for label in labels[:-1] if len(label) > 3)]
    return choose_title([plain(unescape(heading)) for heading in page.declared.headings], declared, [*names, *hosts])


def _site_names(page: DeclaredPage) -> Iterator[Found]:
    """Yield the names the site gives itself, the best first."""
    yield from (found for found in page.metas(_SITE_TAGS) if "://" not in found.text)
    for key in ("publisher", "isPartOf"):
        for node in page.nodes:
            name = text_in(name_of(node.get(key)))
            if name and "://" not in name:
                yield Found(plain(unescape(name)), "json-ld")


def _url(page: DeclaredPage) -> Found | None:
    """Return the address the page calls its own, since copies and tracking links share it; else the one it came from."""
    given = page.known.url
    canonical = [Found(page.declared.canonical, "canonical")] if page.declared.canonical else []
    for found in (*canonical, *page.metas(_URL_TAGS), *page.json("url")):
        address = _absolute(found.text, given)
        if address:
            return Found(address, found.source)
    return Found(given, page.known.url_source or "given") if given else None


def _absolute(address: str, base: str | None) -> str | None:
    """Return an absolute web address with a public host, or None."""
    try:
        absolute = urljoin(base or "", address.strip())
        parts = urlsplit(absolute)
    except ValueError:  # a bracket that no address may hold
        return None
    return absolute if parts.scheme in {"http", "https"} and host_of(absolute) else None


def _language(page: DeclaredPage) -> Found | None:
    """Return the declared language as ISO 639-1."""
    root = [Found(page.declared.language, "html")] if page.declared.language else []
    for found in (*root, *page.metas(_LANGUAGE_TAGS), *page.json("inLanguage")):
        code = re.match(r"([a-z]{2})(?:$|[-_])", found.text.strip().lower())
        if code:
            return Found(code[1], found.source)
    return None


def _tags(page: DeclaredPage) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the keywords a page gives itself, place by place."""
    places = [(page.declared.metas.get(name, ()), source) for name, source in _TAG_TAGS.items()]
    places[1:1] = [(strings_in(node.get("keywords")), "json-ld") for node in page.nodes]
    for values, source in places:
        kept: dict[str, str] = {}
        for tag in (plain(unescape(tag)) for value in values for tag in re.split(r"[,;、，]", value)):
            if 1 < len(tag) <= _LONGEST_TAG and "://" not in tag:
                kept.setdefault(tag.casefold(), tag)
        if kept:
            yield tuple(kept.values())[:_MOST_TAGS], source


def _images(page: DeclaredPage, url: Found | None) -> Iterator[Found]:
    """Yield the addresses of the pictures the page is shown with elsewhere."""
    declared = [*page.metas(_IMAGE_TAGS)]
    for node in page.nodes:
        image = node.get("image")
        first = image[0] if isinstance(image, list) and image else image
        address = text_in(first.get("url") if isinstance(first, dict) else first)
        if address:
            declared.append(Found(address, "json-ld"))
    for found in declared:
        address = _absolute(found.text, url.text if url else None)
        if address:
            yield Found(address, found.source)

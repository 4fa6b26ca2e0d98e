"""
Markup to lines: the text of a page as a browser shows it, and for every line where in the page it stands.

A line ends where a browser ends one: at the borders of blocks and at `<br>`. Cells of a table's row share a line, text
in `<pre>` is kept verbatim, everything else has its white space collapsed. Nothing visible is left out: what is
furniture is judged later, line by line. What a page hides until somebody clicks, and what it keeps for browsers
without scripts (some forums keep whole threads there), counts as visible and is marked.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain, islice, pairwise
from typing import NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt
from lxml import etree  # type: ignore[import-untyped]  # lxml publishes no types
from resiliparse.extract.html2text import extract_plain_text

from pipeline.blank import is_blank
from pipeline.elements import CELL_BAR, TAGS, Bools, Declared, Elements, Ints, Region, Rendering


class Flow:
    """What an element does to the line; those from `BLOCK` on end it where they begin and where they end."""

    INLINE = 0
    CELL = 1
    BLOCK = 2
    BREAK = 3
    MARGIN = 4  # an empty line stands above and below
    VERBATIM = 5


_FLOWS: Mapping[int, str] = {
    Flow.CELL: "td th",
    Flow.BLOCK: "html body div section article main header footer nav aside form fieldset li dt dd tr thead tbody tfoot"
    " caption figcaption address center legend summary details dialog hgroup search menu option optgroup button select"
    " noscript video audio object iframe map frameset noframes",
    Flow.BREAK: "br",
    Flow.MARGIN: "p h1 h2 h3 h4 h5 h6 ul ol dl blockquote table figure dir hr",
    Flow.VERBATIM: "pre textarea xmp listing plaintext",
}
FLOW: Mapping[str, int] = {tag: flow for flow, tags in _FLOWS.items() for tag in tags.split()}

_REGIONS: Mapping[int, str] = {
    Region.MAIN: "main",
    Region.ARTICLE: "article",
    Region.ASIDE: "aside",
    Region.NAV: "nav menu",
    Region.HEADER: "header",
    Region.FOOTER: "footer",
    Region.FORM: "form",
    Region.FIGURE: "figure",
    Region.TABLE: "table",
    Region.LIST: "ul ol dl",
    Region.QUOTE: "blockquote q",
    Region.CODE: "pre code kbd samp",
    Region.LINK: "a",
    Region.BUTTON: "button label",
    Region.NOSCRIPT: "noscript",
    Region.SECTION: "section",
    Region.DETAILS: "details",
    Region.DIALOG: "dialog",
    Region.SELECT: "select textarea",
    Region.BOLD: "b strong",
    Region.HEADING: "h1 h2 h3 h4 h5 h6",
    Region.TIME: "time",
    Region.VERBATIM: "pre textarea xmp listing plaintext",
    Region.UNSEEN: "script style template head title svg canvas rp embed param source track",
}
REGION: Mapping[str, int] = {
    tag: sum(region for region, tags in _REGIONS.items() if tag in tags.split())
    for tag in " ".join(_REGIONS.values()).split()
}
ROLE: Mapping[str, int] = {
    "main": Region.MAIN, "article": Region.ARTICLE, "complementary": Region.ASIDE, "navigation": Region.NAV,
    "menu": Region.NAV, "menubar": Region.NAV, "banner": Region.HEADER, "contentinfo": Region.FOOTER,
    "search": Region.FORM, "form": Region.FORM, "dialog": Region.DIALOG, "alertdialog": Region.DIALOG,
    "button": Region.BUTTON, "heading": Region.HEADING, "list": Region.LIST,
}  # fmt: skip

_TAG_NUMBER = {tag: number for number, tag in enumerate(TAGS, 1)}

_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_NAME_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[^\W\d_a-zA-Z]+")
_MOST_PARTS = 24
"""Of the words in an element's names only so many are looked at; pages of some frameworks have a hundred."""
_COMMENTS = frozenset(
    {"comments", "comment", "commentlist", "disqus", "respond", "commentaires", "kommentare", "comentarios"}
)
# Ids and classes of the outermost elements of consent services, whole: an article about cookies has none of them.
_CONSENT = frozenset(
    [
        "onetrust-consent-sdk",
        "onetrust-banner-sdk",
        "onetrust-pc-sdk",
        "didomi-host",
        "didomi-popup",
        "didomi-notice",
        "cybotcookiebotdialog",
        "cookiebotwidget",
        "qc-cmp2-container",
        "qc-cmp2-main",
        "qc-cmp-ui-container",
        "truste-consent-track",
        "truste_overlay",
        "truste_box_overlay",
        "consent_blackbar",
        "usercentrics-root",
        "usercentrics-cmp-ui",
        "borlabscookiebox",
        "borlabs-cookie-box",
        "cmplz-cookiebanner",
        "cmplz-cookiebanner-container",
        "iubenda-cs-banner",
        "osano-cm-window",
        "osano-cm-dialog",
        "cookie-law-info-bar",
        "cky-consent-container",
        "cky-modal",
        "moove_gdpr_cookie_info_bar",
        "moove_gdpr_cookie_modal",
        "cookiefirst-root",
        "tarteaucitronroot",
        "axeptio_overlay",
        "fc-consent-root",
        "cmpbox",
        "sp_message_container",
    ]
)
_CONSENT_NUMBERED = re.compile(r"sp_message_container_\d+")  # Sourcepoint's, one a message
_CELL = "\x1f"
"""Stands between cells of a row; markup holds no such character by then."""


def render(markup: str) -> Rendering:
    r"""
    Read a page's lines. Never raises on any markup.

    >>> page = render("<h1>Ferry</h1><p>The <b>ferry</b> left<br>at six.</p><ul><li>one<li>two</ul>")
    >>> page.text.split("\n")
    ['Ferry', '', 'The ferry left', 'at six.', '', '- one', '- two']
    """
    rendering = _without_blank(_render(markup))
    return replace(rendering, declared=_declared(markup))


def _without_blank(rendering: Rendering) -> Rendering:
    """Lines of nothing but zero-width characters are none."""
    blank = [is_blank(line) for line in rendering.lines]
    return _chosen(rendering, np.flatnonzero(~np.array(blank, bool))) if any(blank) else rendering


# One by one: a pattern that begins with plain text is looked for many times as fast as two alternatives.
_LINKED_TYPE = re.compile(r'"@type"\s*:\s*\[?\s*"(?:https?://schema.org/)?(\w{1,40})"')
_GRAPH_TYPE = re.compile(r"""og:type["'][^<>]{0,40}?content=["']([\w.:]{1,40})""")
_TYPES: Mapping[int, str] = {
    Declared.ARTICLE: "article newsarticle blogposting reportagenewsarticle liveblogposting opinionnewsarticle techarticle"
    " analysisnewsarticle scholarlyarticle reviewnewsarticle backgroundnewsarticle advertisercontentarticle review blog"
    " socialmediaposting report",
    Declared.PRODUCT: "product offer aggregateoffer productgroup softwareapplication mobileapplication individualproduct book",
    Declared.FORUM: "discussionforumposting qapage question answer",
    Declared.LISTING: "itemlist collectionpage searchresultspage offercatalog",
    Declared.RECIPE: "recipe howto",
    Declared.MEDIA: "videoobject video video.other video.movie video.episode podcastepisode movie musicrecording",
    Declared.PLACE: "localbusiness restaurant hotel event place store physician profilepage medicalbusiness service",
    Declared.PAGE: "faqpage aboutpage contactpage medicalwebpage",
}
_DECLARED: Mapping[str, int] = {name: bit for bit, names in _TYPES.items() for name in names.split()}


def _declared(markup: str) -> int:
    """What a page says that it is."""
    bits = 0
    for name in chain(_LINKED_TYPE.findall(markup), _GRAPH_TYPE.findall(markup)):
        bits |= _DECLARED.get(name.lower(), 0)
    return bits


def _render(markup: str) -> Rendering:
    tour = _Tour()
    # The parser stops at 2,048 nested elements, with a note in its log.
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, target=tour)
    try:
        etree.fromstring(markup.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:  # an empty page
        return _plain(markup)
    fatal = parser.error_log.filter_from_fatals()
    if not tour.events or any(entry.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for entry in fatal):
        return _plain(markup)
    return _lay_out(tour)


class _Kind(NamedTuple):
    """What an element is by its tag alone and by the attributes that are read; most elements of a page are alike."""

    tag: str
    names: tuple[str | None, ...] = (None, None, None, None)  # class, id, role, itemprop
    hidden: bool = False  # says that it is not shown at first


_END = -1
_UNHIDDEN = (None, None, None)


class _Tour:
    """
    What a parser meets on its way through a page: each element twice, where it begins and where it ends.

    Both have a place on the tour; a text has that of what it follows. A target of `lxml`'s parser, which is three times
    as fast as walking the tree that it would build. What is called for each element does as little as it can.
    """

    def __init__(self) -> None:
        self.kinds: dict[_Kind, int] = {}
        self.events: list[int] = []  # number of the kind of the element that begins, or `_END`, by place
        self.texts: list[str] = []
        self.places: list[int] = []  # of the texts; -1 before all elements
        self._bare: dict[str, int] = {}

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if attributes:
            get = attributes.get
            hiding = get("style"), get("hidden"), get("aria-hidden")
            hidden = hiding != _UNHIDDEN and _is_hidden(*hiding)
            kind = _Kind(tag, (get("class"), get("id"), get("role"), get("itemprop")), hidden)
            self.events.append(self.kinds.setdefault(kind, len(self.kinds)))
        else:
            number = self._bare.get(tag)
            if number is None:
                number = self._bare[tag] = self.kinds.setdefault(_Kind(tag), len(self.kinds))
            self.events.append(number)

    def end(self, _tag: str) -> None:
        self.events.append(_END)

    def data(self, text: str) -> None:
        self.texts.append(text)
        self.places.append(len(self.events) - 1)

    def close(self) -> None:
        begun = len(self.events) - self.events.count(_END)
        self.events.extend([_END] * (2 * begun - len(self.events)))


def _is_hidden(style: str | None, hidden: str | None, from_readers: str | None) -> bool:
    return hidden is not None or from_readers == "true" or bool(style and _HIDING.search(style))


@dataclass(frozen=True, slots=True)
class _Walk:
    """
    The elements of a tour in their order, one entry each.

    `kind`, `parent` (-1 for none), `depth`, `begins` and `ends` (places on the tour), `inside` (one past the last element
    inside). `open` says for each place of the tour which element is around what follows it there (-1 for none).
    """

    kind: Ints
    parent: Ints
    depth: Ints
    begins: Ints
    ends: Ints
    inside: Ints
    open: Ints


def _walk(events: Sequence[int]) -> _Walk:
    """Match beginnings and ends: of one depth, they take turns."""
    event = np.array(events, np.int64)
    begin = event >= 0
    begins, ends = np.flatnonzero(begin), np.flatnonzero(~begin)
    level = np.cumsum(np.where(begin, 1, -1))
    depth, after = level[begins] - 1, level[ends]
    order = np.argsort(depth, kind="stable")
    closing = np.empty_like(begins)
    closing[order] = ends[np.argsort(after, kind="stable")]
    before = np.cumsum(begin, dtype=np.int64)
    # The element around a place is the last one of its depth that has begun.
    length = len(event) + 1
    keys = depth[order] * length + begins[order]
    places = np.arange(len(event))
    around = np.searchsorted(keys, (level - 1) * length + places, side="right") - 1
    opened = np.where(level > 0, order[np.maximum(around, 0)], -1)
    parent = np.where(depth > 0, opened[begins - 1], -1)
    return _Walk(event[begins], parent, depth, begins, closing, before[closing], opened)


def _plain(markup: str) -> Rendering:
    """The lines alone, by a parser that nothing stops."""
    text = extract_plain_text(markup, main_content=False, alt_texts=False, list_bullets=False, noscript=True)
    lines = [" ".join(line.split()) for line in text.replace("\r", "\n").split("\n")]
    kept = [line for line in lines if line]
    gaps = [place == 0 or not lines[place - 1] for place, line in enumerate(lines) if line]
    none, one, empty = np.zeros(len(kept), np.int64), np.zeros(1, np.int64), np.zeros(0, np.int64)
    elements = Elements(one - 1, one, one + 1, one, one, one, one, one, empty, empty)
    return Rendering(kept, np.array(gaps, bool), none, none, none, none, elements, declared=0, is_whole=False)


def _lay_out(tour: _Tour) -> Rendering:
    """Put a page's texts together to lines: what breaks a line and what is in it both have their places on the tour."""
    kinds, walk = list(tour.kinds), _walk(tour.events)
    flow = _by_tag(FLOW, kinds)[walk.kind]
    elements = _read_elements(kinds, walk, flow)
    begins, ends = walk.begins, walk.ends
    length = len(tour.events)
    breaking, apart = flow >= Flow.BLOCK, flow >= Flow.MARGIN
    breaks = _so_far(length, begins[breaking], ends[breaking])
    pieces = _read_pieces(tour, walk, elements, flow)
    line = breaks[pieces.place]
    first = np.flatnonzero(np.append(True, line[1:] != line[:-1])[: len(line)])
    some = np.flatnonzero(np.add.reduceat(pieces.size, first)) if len(first) else first
    last = np.append(first[1:], len(line))[some]
    first = first[some]
    begun, done = pieces.place[first], pieces.place[last - 1]
    above = np.append(-1, done[:-1])[: len(done)]
    margins = _so_far(length, begins[apart], ends[apart])
    line_ends = _so_far(length, begins[flow == Flow.BREAK])
    bullets = _so_far(length, begins[elements.tag == _TAG_NUMBER["li"]])
    gap = (_between(margins, above, begun) > 0) | (_between(line_ends, above, begun) > 1)
    bullet = _between(bullets, above, begun) > 0
    region = elements.region[pieces.owner]
    ink = pieces.size * ((region & Region.LINK) > 0)
    shown = np.flatnonzero(pieces.size)
    leaf = pieces.owner[shown[np.searchsorted(shown, first)]] if len(first) else first
    lines = [_collapsed(pieces.texts[start:end]) for start, end in zip(first.tolist(), last.tolist(), strict=True)]
    rendering = Rendering(
        lines=[f"- {line}" if marked else line for line, marked in zip(lines, bullet.tolist(), strict=True)],
        gap=gap,
        element=leaf,
        linked=_sums(ink, first, last),
        bold=_sums(pieces.size * ((region & Region.BOLD) > 0), first, last),
        links=_sums(ink > 0, first, last),
        elements=elements,
        declared=0,
        is_whole=True,
    )
    verbatim = (elements.region[leaf] & Region.VERBATIM) > 0
    return _unwrap(rendering, verbatim, pieces, first, last) if verbatim.any() else rendering


def _so_far(length: int, *places: Ints) -> Ints:
    """How many of some events lie at each place of the tour or before it."""
    return np.cumsum(np.bincount(np.concatenate(places), minlength=length))


def _between(so_far: Ints, above: Ints, place: Ints) -> Ints:
    """How many events lie after `above` (-1 for the start), up to `place`."""
    return np.asarray(so_far[place] - np.where(above < 0, 0, so_far[above]))


def _sums(values: npt.NDArray[np.generic], first: Ints, last: Ints) -> Ints:
    """Sums over the pieces of each line."""
    sums = np.append(0, np.cumsum(values))
    return np.asarray(sums[last] - sums[first])


@dataclass(frozen=True, slots=True)
class _Pieces:
    """Pieces of text in the order of the tour: `place` on it, `owner` (the element around it), `size` (0 if blank)."""

    texts: list[str]
    place: Ints
    owner: Ints
    size: Ints


def _read_pieces(tour: _Tour, walk: _Walk, elements: Elements, flow: Ints) -> _Pieces:
    """All texts that a browser shows, with what parts cells of a row and links that touch."""
    places = np.array(tour.places, np.int64)
    owners = np.where(places < 0, -1, walk.open[places])
    cells = np.flatnonzero(flow == Flow.CELL)
    links = _touching_links(np.flatnonzero(elements.tag == _TAG_NUMBER["a"]), walk, places)
    place = np.concatenate([walk.begins[cells], walk.begins[links], places])
    owner = np.concatenate([cells, links, owners])
    seen = np.flatnonzero((owner >= 0) & ((elements.region[owner] & Region.UNSEEN) == 0))
    order = seen[np.argsort(place[seen], kind="stable")]
    strings = [_CELL] * len(cells) + [" "] * len(links) + tour.texts
    chosen = [strings[index] for index in order.tolist()]
    size = np.fromiter(map(len, map(str.strip, chosen)), np.int64, len(chosen))
    return _Pieces(chosen, place[order], owner[order], size)


def _touching_links(links: Ints, walk: _Walk, texts: Ints) -> Ints:
    """Links that begin where another link ends: style sheets, which nobody reads here, part them on the page."""
    bare = np.setdiff1d(walk.ends[links], texts)
    return np.asarray(links[np.isin(walk.begins[links] - 1, bare)])


def _collapsed(texts: Sequence[str]) -> str:
    """The line that pieces of text make in a browser; cells of a row are parted by bars."""
    joined = "".join(texts)
    if _CELL not in joined:
        return " ".join(joined.split())
    cells = (" ".join(cell.split()) for cell in joined.split(_CELL))
    return CELL_BAR.join(cell for cell in cells if cell)


def _unwrap(rendering: Rendering, verbatim: Bools, pieces: _Pieces, first: Ints, last: Ints) -> Rendering:
    """Cut texts that are shown as they are into their lines; each has the links and bold type of the whole."""
    lines: list[str] = []
    gap: list[bool] = []
    source: list[int] = []
    for place, line in enumerate(rendering.lines):
        if not verbatim[place]:
            lines.append(line)
            gap.append(bool(rendering.gap[place]))
            source.append(place)
            continue
        text = "".join(pieces.texts[first[place] : last[place]]).replace("\r", "\n").replace(_CELL, " ")
        above = bool(rendering.gap[place])
        for own in text.split("\n"):
            if own.strip():
                lines.append(own.rstrip())
                gap.append(above)
                source.append(place)
            above = above or not own.strip()
            above = above and not own.strip()
    at = np.array(source, np.int64)
    return replace(_chosen(rendering, at), lines=lines, gap=np.array(gap, bool))


def _chosen(rendering: Rendering, at: Ints) -> Rendering:
    """Some of the lines, by place."""
    return replace(
        rendering,
        lines=[rendering.lines[place] for place in at.tolist()],
        gap=rendering.gap[at],
        element=rendering.element[at],
        linked=rendering.linked[at],
        bold=rendering.bold[at],
        links=rendering.links[at],
    )


def _by_tag(values: Mapping[str, int], kinds: Sequence[_Kind]) -> Ints:
    return np.fromiter((values.get(kind.tag, 0) for kind in kinds), np.int64, len(kinds))


def _read_elements(kinds: Sequence[_Kind], walk: _Walk, flow: Ints) -> Elements:
    namings: dict[tuple[str | None, ...], int] = {_Kind("").names: 0}
    numbers = [namings.setdefault(kind.names, len(namings)) for kind in kinds]
    hashes = [name_hashes(*names) for names in namings]
    told = [
        ROLE.get(names[2] or "", 0)
        | (0 if COMMENTS.isdisjoint(own) else Region.COMMENTS)
        | (Region.CONSENT if _asks_for_consent(*names[:2]) else 0)
        for names, own in zip(namings, hashes, strict=True)
    ]
    naming = np.array(numbers, np.int64)
    tag = _by_tag(_TAG_NUMBER, kinds)
    hidden = np.fromiter((kind.hidden for kind in kinds), np.int64, len(kinds))
    own_region = _by_tag(REGION, kinds) | np.array(told, np.int64)[naming] | hidden * Region.HIDDEN
    own_path = tag * 7919 + naming * 104729 + 1
    regions, paths = own_region[walk.kind].tolist(), own_path[walk.kind].tolist()
    blocks = np.where(flow > Flow.INLINE, np.arange(len(flow)), -1).tolist()
    for place, parent in enumerate(walk.parent.tolist()):
        if parent >= 0:
            regions[place] |= regions[parent]
            paths[place] = (paths[parent] * 31 + paths[place]) & 0xFFFFFFFFFF
            if blocks[place] < 0:
                blocks[place] = blocks[parent]
    counts = [len(own) for own in hashes]
    return Elements(
        parent=walk.parent,
        depth=walk.depth,
        end=walk.inside,
        tag=tag[walk.kind],
        region=np.array(regions, np.int64),
        block=np.array(blocks, np.int64),
        path=np.array(paths, np.int64),
        naming=naming[walk.kind],
        names=np.fromiter(chain.from_iterable(hashes), np.int64, sum(counts)),
        named=np.repeat(np.arange(len(hashes)), counts),
    )


@lru_cache(maxsize=20_000)
def _asks_for_consent(classes: str | None, own_id: str | None) -> bool:
    """Tell whether one of an element's names is that of a consent service's dialog."""
    names = f"{classes or ''} {own_id or ''}".lower().split()
    return not _CONSENT.isdisjoint(names) or any(map(_CONSENT_NUMBERED.fullmatch, names))


@lru_cache(maxsize=20_000)
def name_hashes(*names: str | None) -> tuple[int, ...]:
    """
    Hashes of the words in the names that an element goes by, and of pairs of words.

    >>> name_hashes("post-content") == name_hashes("PostContent2"), len(name_hashes("post-content"))
    (True, 3)
    """
    words = chain.from_iterable(name.split() for name in names if name)
    hashes = list(islice(chain.from_iterable(map(_part_hashes, words)), _MOST_PARTS))
    pairs = [(first * 3 + second * 5 + 1) & 0xFFFFFFFF for first, second in pairwise(hashes)]
    return tuple(dict.fromkeys(hashes + pairs))


@lru_cache(maxsize=20_000)
def _part_hashes(word: str) -> tuple[int, ...]:
    return tuple(crc32(part.lower().encode()) for part in _NAME_PARTS.findall(word))


COMMENTS = frozenset(crc32(name.encode()) for name in _COMMENTS)

"""
Features of a page's lines that only its markup tells: what is around a line, what else is there, and how it is called.

Containers are told by how much prose and how many links are inside, as in boilerplate detection by text density
(Kohlschütter et al. 2010) and in Readability; by how often their like stands beside them; and by where they stand to
the container with the most prose. Names of classes count by a lexicon, as words do (`lexicon.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pipeline.elements import TAGS, Bools, Elements, Ints, Rendering
from pipeline.model.features import Columns, Floats, Layout
from pipeline.model.text import Hashes

LEVELS = 5
"""So many elements from a line's block outwards are measured one by one."""
REGIONS = 24
"""So many bits of `Region` are features."""
KINDS = 8
"""So many bits of `Declared` are features."""
NAME_COLUMNS = (
    "names_own",
    "names_own_best",
    "names_own_worst",
    "names_sum",
    "names_best",
    "names_worst",
    "names_known",
)

_BLOCKS = (
    "p",
    "li",
    "h1",
    "h2",
    "h3",
    "td",
    "th",
    "dt",
    "dd",
    "blockquote",
    "pre",
    "figcaption",
    "caption",
    "div",
    "section",
    "article",
    "button",
    "label",
    "option",
    "summary",
    "address",
    "body",
    "center",
)
_LEAVES = ("a", "span", "b", "strong", "em", "i", "small", "time", "code", "font", "label", "button")


@dataclass(frozen=True)
class Page:
    """One page's lines: their sizes in characters (a CJK character counts three) and whether each is prose."""

    rendering: Rendering
    size: Floats
    prose: Bools

    @cached_property
    def elements(self) -> Elements:
        return self.rendering.elements

    @cached_property
    def block(self) -> Ints:
        return self.elements.block[self.rendering.element]

    def inside(self, values: npt.NDArray[np.generic]) -> Floats:
        """For each element the sum over the lines inside."""
        count = len(self.elements.parent)
        own = np.bincount(self.rendering.element, weights=values, minlength=count)
        sums = np.append(0, np.cumsum(own))
        return np.asarray(sums[self.elements.end] - sums[:-1])


def page_columns(page: Page) -> Columns:
    """All of a page's features but those of names, one entry a line."""
    return {**_line_columns(page), **_container_columns(page), **_pattern_columns(page), **_centre_columns(page)}


def _line_columns(page: Page) -> Columns:
    rendering, elements = page.rendering, page.elements
    element, block = rendering.element, page.block
    length = np.maximum(np.fromiter(map(len, rendering.lines), np.int64, len(rendering.lines)), 1)
    tag, leaf, region = elements.tag[block], elements.tag[element], elements.region[element]
    linked = np.minimum(rendering.linked / length, 1)
    depth = elements.depth[block]
    weight = np.maximum(page.size * page.prose, 1e-6)
    columns: dict[str, npt.NDArray[np.generic]] = {
        "dom": np.full(len(element), float(rendering.is_whole)),
        "dom_gap": rendering.gap,
        "linked": linked,
        "all_linked": linked > 0.9,
        "links": np.log1p(rendering.links),
        "bold": np.minimum(rendering.bold / length, 1),
        "depth": depth / 10,
        "relative_depth": (depth - np.average(depth, weights=weight)) / 5,
        "leaf_depth": np.minimum(elements.depth[element] - depth, 8) / 4,
    }
    columns |= {f"block_{name}": tag == number for name, number in _numbers(_BLOCKS)}
    columns["block_lesser_heading"] = (tag >= _NUMBER["h4"]) & (tag <= _NUMBER["h6"])
    columns |= {f"leaf_{name}": leaf == number for name, number in _numbers(_LEAVES)}
    columns |= {f"region_{bit}": (region >> bit) & 1 for bit in range(REGIONS)}
    columns |= {f"declared_{bit}": np.full(len(element), (rendering.declared >> bit) & 1) for bit in range(KINDS)}
    return columns


def _container_columns(page: Page) -> Columns:
    """What stands in the elements around a line, level by level."""
    elements = page.elements
    size, linked, prose, lines = (
        page.inside(values)
        for values in (page.size, page.rendering.linked, page.size * page.prose, np.ones(len(page.size)))
    )
    everything, all_prose = max(size[0], 1), max(prose[0], 1)
    columns: dict[str, npt.NDArray[np.generic]] = {}
    at = page.block
    for level in range(LEVELS):
        own = np.maximum(size[at], 1)
        columns |= {
            f"size_{level}": np.log1p(size[at]),
            f"linked_{level}": np.minimum(linked[at] / own, 1),
            f"lines_{level}": np.log1p(lines[at]),
            f"prose_{level}": prose[at] / own,
            f"share_{level}": size[at] / everything,
            f"prose_share_{level}": prose[at] / all_prose,
        }
        at = np.maximum(elements.parent[at], 0)
    return columns


def _pattern_columns(page: Page) -> Columns:
    """How many lines are like this one in the page's structure, and how many containers are like its own."""
    elements = page.elements
    block = page.block
    columns: dict[str, npt.NDArray[np.generic]] = {}
    length = np.maximum(page.size, 1)
    for name, path in (("leaf", elements.path[page.rendering.element]), ("path", elements.path[block])):
        _, alike = np.unique(path, return_inverse=True)
        count, total = np.bincount(alike), np.bincount(alike, weights=page.size)
        columns |= {
            f"{name}_lines": np.log1p(count)[alike],
            f"{name}_share": (count / len(block))[alike],
            f"{name}_size": np.log1p(total / count)[alike],
            f"{name}_linked": np.minimum(np.bincount(alike, weights=page.rendering.linked) / total.clip(1), 1)[alike],
            f"{name}_prose": (np.bincount(alike, weights=page.prose) / count)[alike],
            f"{name}_unlike": np.log(length) - np.log(np.maximum(total / count, 1))[alike],
        }
    kind = (elements.parent + 1) * 1_000_003 + elements.tag * 10_007 + elements.naming
    _, group, count = np.unique(kind, return_inverse=True, return_counts=True)
    siblings = np.log1p(count[group])
    at = block
    for level in range(LEVELS - 1):
        columns[f"siblings_{level}"] = siblings[at]
        at = np.maximum(elements.parent[at], 0)
    return columns


def _centre_columns(page: Page) -> Columns:
    """
    Where a line stands to the container with the most prose right inside.

    A line of prose counts for the element around its block, and half for the one around that.
    """
    elements, block = page.elements, page.block
    weights = page.size * page.prose * (1 - np.minimum(page.rendering.linked / np.maximum(page.size, 1), 1))
    around = np.maximum(elements.parent[block], 0)
    beyond = np.maximum(elements.parent[around], 0)
    count = len(elements.parent)
    score = np.bincount(around, weights=weights, minlength=count) + np.bincount(
        beyond, weights=weights / 2, minlength=count
    )
    centre = int(np.argmax(score))
    shared = np.full(len(block), -1)
    level = centre
    chain = []
    while level >= 0:
        chain.append(level)
        level = int(elements.parent[level])
    for place in chain:
        shared += (block >= place) & (block < elements.end[place])
    centre_depth = elements.depth[centre]
    inside = shared == centre_depth
    number = np.arange(len(block))
    first = int(np.argmax(inside)) if inside.any() else 0
    last = len(block) - 1 - int(np.argmax(inside[::-1])) if inside.any() else 0
    heading = elements.tag[block] == _NUMBER["h1"]
    h1 = np.cumsum(heading)
    since = number - np.maximum.accumulate(np.where(elements.region[block] & _HEADINGS > 0, number, -1))
    return {
        "centre_inside": inside,
        "centre_up": np.minimum(centre_depth - shared, 10) / 4,
        "centre_down": np.minimum(elements.depth[block] - shared, 10) / 4,
        "centre_above": number < first,
        "centre_below": number > last,
        "centre_from_start": np.log1p(np.abs(number - first)),
        "centre_from_end": np.log1p(np.abs(last - number)),
        "centre_share": np.full(len(block), score[centre] / max(weights.sum(), 1)),
        "h1_above": h1 > 0,
        "h1_count": np.full(len(block), np.log1p(h1[-1])),
        "since_heading": np.log1p(since),
        "page_elements": np.full(len(block), np.log1p(count)),
        "page_linked": np.full(len(block), page.rendering.linked.sum() / max(page.size.sum(), 1)),
    }


_NUMBER = {name: number for number, name in enumerate(TAGS, 1)}
_HEADINGS = 1 << 21


def _numbers(names: Sequence[str]) -> list[tuple[str, int]]:
    return [(name, _NUMBER[name]) for name in names]


def name_columns(rendering: Rendering, scores: Floats, known: Bools) -> Floats:
    """
    What the names around each line say, as in `NAME_COLUMNS`; `scores` and `known` are those of `elements.names`.

    Own names are those of a line's element; sums, best and worst are over all elements around it, too.
    """
    elements = rendering.elements
    sets = int(elements.naming.max()) + 1
    found = np.bincount(elements.named, weights=known, minlength=sets)
    mean = np.bincount(elements.named, weights=scores, minlength=sets) / np.maximum(found, 1)
    best, worst = np.zeros(sets), np.zeros(sets)
    np.maximum.at(best, elements.named, scores)
    np.minimum.at(worst, elements.named, scores)
    own_mean, own_best, own_worst = mean[elements.naming], best[elements.naming], worst[elements.naming]
    has = (found > 0)[elements.naming]
    total, top, bottom, last = own_mean.copy(), own_best.copy(), own_worst.copy(), own_mean.copy()
    seen = has.astype(np.float64)
    order = np.argsort(elements.depth, kind="stable")
    bounds = np.flatnonzero(np.append(True, np.diff(elements.depth[order]) > 0))
    for start, end in zip(bounds[1:].tolist(), [*bounds[2:].tolist(), len(order)], strict=True):
        here = order[start:end]
        parent = elements.parent[here]
        total[here] += total[parent]
        seen[here] += seen[parent]
        top[here] = np.maximum(top[here], top[parent])
        bottom[here] = np.minimum(bottom[here], bottom[parent])
        last[here] = np.where(has[here], last[here], last[parent])
    at = rendering.element
    return np.stack(
        [
            last[at],
            own_best[at],
            own_worst[at],
            np.clip(total[at], -30, 30) / 5,
            top[at],
            bottom[at],
            np.log1p(seen[at]),
        ],
        axis=1,
    )


def names_around(rendering: Rendering) -> tuple[Ints, Hashes]:
    """Line and name of each name of an element around a line, each once; ordered by line."""
    elements = rendering.elements
    starts = np.searchsorted(elements.named, np.arange(int(elements.naming.max()) + 2))
    pairs = [np.zeros(0, np.int64)]
    line, at = np.arange(len(rendering.element)), rendering.element
    while len(at):
        own = elements.naming[at]
        counts = starts[own + 1] - starts[own]
        inside = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        pairs.append((np.repeat(line, counts) << 32) + elements.names[np.repeat(starts[own], counts) + inside])
        at = elements.parent[at]
        line, at = line[at >= 0], at[at >= 0]
    every = np.unique(np.concatenate(pairs))
    return np.asarray(every >> 32), np.asarray((every & 0xFFFFFFFF).astype(np.uint64) << np.uint64(32))


def linked_shares(renderings: Sequence[Rendering]) -> Floats:
    """The share of each line that is in links, for all pages of a batch."""
    shares = [
        each.linked / np.maximum(np.fromiter(map(len, each.lines), np.int64, len(each.lines)), 1) for each in renderings
    ]
    return np.minimum(np.concatenate(shares), 1)


def hashes_of(rendering: Rendering) -> Hashes:
    """The names of a page's elements as a lexicon knows them."""
    return np.asarray(rendering.elements.names.astype(np.uint64) << np.uint64(32))


def dom_columns(renderings: Sequence[Rendering], layout: Layout) -> Floats:
    """The features of all pages of a batch but those of names, one row a line."""
    rows = []
    start = 0
    for rendering in renderings:
        end = start + len(rendering.lines)
        columns = page_columns(Page(rendering, layout.size[start:end], layout.prose[start:end]))
        rows.append(np.stack([column.astype(np.float64) for column in columns.values()], axis=1))
        start = end
    return np.concatenate(rows)


def _names() -> tuple[str, ...]:
    one, two = np.zeros(1, np.int64), np.ones(1, np.int64)
    elements = Elements(one - 1, one, two, one, one, one, one, one, one[:0], one[:0])
    rendering = Rendering(["a"], two > 0, one, one, one, one, elements, 0, is_whole=True)
    return tuple(page_columns(Page(rendering, np.ones(1), np.zeros(1, bool))))


DOM_COLUMNS = _names()
"""The names of the columns of `dom_columns`, in order."""

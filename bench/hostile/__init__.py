"""What happens to hostile and broken input; see `__main__.py`."""

from bench.hostile.case import Case
from bench.hostile.containers import CONTAINERS
from bench.hostile.pages import PAGES
from bench.hostile.places import PLACES
from bench.hostile.rows import ROWS
from bench.hostile.texts import TEXTS

CASES: tuple[Case, ...] = (*TEXTS, *PAGES, *CONTAINERS, *ROWS, *PLACES)

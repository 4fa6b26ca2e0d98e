"""How a run tells whoever watches it how far it has come; nobody has to watch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Watcher = Callable[[int, int], None]  # shards done, shards in all


def _nobody(_done: int, _total: int) -> None:
    pass


# A flow's parameters are stored and shown, so a function cannot be one of them.
_watcher: ContextVar[Watcher] = ContextVar("watcher", default=_nobody)


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Let `watcher` be told while the block runs."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def tell(done: int, total: int) -> None:
    """Tell the watcher, if there is one."""
    _watcher.get()(done, total)

"""A server of our own keeps to itself, also where others start at the same time."""

from flows.local_server import _listen


def test_two_servers_that_start_at_once_have_two_ports() -> None:
    """The port is taken as soon as it is chosen, long before the server answers on it."""
    with _listen(0) as first, _listen(first.getsockname()[1]) as second:
        assert first.getsockname()[1] != second.getsockname()[1]

"""The hosts named by paths and addresses."""

import pytest

from pipeline.hosts import host_of, site_of


@pytest.mark.parametrize(
    ("key", "site"),
    [
        ("example.org/2024/a.txt", "example.org"),
        ("dumps/News.Example.co.uk/a.html", "news.example.co.uk"),
        ("www.example.org/a.example.com/b.txt", "example.org"),
        ("xn--bcher-kva.example/a.txt", "xn--bcher-kva.example"),
        ("bücher.example/a.txt", "bücher.example"),
        ("example.org.txt", None),
        ("2024.05/a.txt", None),
        ("v1.2/a.txt", None),
        ("a.b c/a.txt", None),
        (".hidden/a.txt", None),
        ("..bad..org/a.txt", None),
        ("a.txt", None),
    ],
)
def test_site_is_the_first_folder_that_is_a_host(key: str, site: str | None) -> None:
    """Folders name hosts; dates, versions and file names do not."""
    assert site_of(key) == site


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://www.example.org/a?b=http://other.example", "example.org"),
        ("HTTP://user@Example.ORG.:80", "example.org"),
        ("http://192.0.2.1/", None),
        ("http://[::1", None),
        ("mailto:a", None),
        ("", None),
        (None, None),
        ("https://" + "a" * 300 + ".org", None),
    ],
)
def test_host_of_an_address(url: str | None, host: str | None) -> None:
    """Hosts are lower case, without "www."; anything else gives none and never raises."""
    assert host_of(url) == host

"""A browser for the tests of pages."""

from collections.abc import Iterator

import pytest

from browser import Browser, browser


@pytest.fixture(scope="session")
def chromium(tmp_path_factory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as one:
        yield one

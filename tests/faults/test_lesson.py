"""A whole class of thirty in one lesson, each child in a browser profile of its own."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import browser, site, visit, watch
from tests.browser.site import Site
from tests.browser.test_lesson import hold_a_lesson

__all__ = ["browser", "site", "visit", "watch"]
pytestmark = pytest.mark.browser

CHILDREN = 30


def test_thirty_children(visit: Callable[..., Page], site: Site) -> None:
    began = time.perf_counter()
    hold_a_lesson(visit, site, CHILDREN)
    print(f"\na lesson of {CHILDREN} children: {time.perf_counter() - began:.0f} s")

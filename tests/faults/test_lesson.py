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
TWO_MINUTES = 120.0


def test_thirty_children(visit: Callable[..., Page], site: Site) -> None:
    began = time.perf_counter()
    coming_in = hold_a_lesson(visit, site, CHILDREN)
    whole = time.perf_counter() - began
    print(f"\n{CHILDREN} children: in within {coming_in:.0f} s, the whole lesson {whole:.0f} s")
    assert coming_in < TWO_MINUTES

"""A browser meets every page of the site map: what is forgotten has a name here."""

from fnmatch import fnmatchcase

from flask import Flask

from tests.browser.pages import PAGES
from tests.browser.site_map import NO_PAGES, answering, is_page
from tests.factories.world import World


def test_a_browser_meets_every_page(app: Flask, world: World) -> None:
    # A page in another state alone ("students, empty") is not looked at from all sides.
    usual = {stop.shows(app, world) for name, stop in PAGES.items() if "," not in name}
    forgotten = {each for each in answering(app) if is_page(each)} - usual
    assert not forgotten, f"tests/browser/pages.py leads a browser to none of {sorted(forgotten)}"


def test_what_is_no_page_is_there_and_is_shown_nowhere(app: Flask, world: World) -> None:
    there = answering(app)
    stale = [each for each in NO_PAGES if not any(fnmatchcase(endpoint, each) for endpoint in there)]
    assert not stale, f"no endpoint is called {stale}"
    shown = {stop.shows(app, world) for stop in PAGES.values()} - {None}
    assert not (reached := {each for each in shown if each and not is_page(each)}), sorted(reached)

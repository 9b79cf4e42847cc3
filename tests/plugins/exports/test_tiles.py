"""The tile of one's own exports: there while something is made or can be fetched, and for nobody else."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from backoffice import clock
from backoffice.privacy.holdings import Subject
from plugins.exports import services
from plugins.exports.models import DestroyedFor, ExportState
from tests.factories.world import World
from tests.plugins.exports.conftest import change, work
from tests.plugins.exports.test_pages import signed_in

TILE = re.compile(
    r'<h2><a [^>]*href="/account/exports"[^>]*>My exports</a></h2>\s*<p class="tile-value">(\d+)</p>'
    r"\s*<p[^>]*>([^<]*)</p>"
)


def tile(app: Flask, world: World, role: str = "teacher") -> tuple[str, str] | None:
    """Its number and its note, if it is on the dashboard."""
    page = signed_in(app, world, role).get("/console/").text
    found = TILE.search(page)
    assert (found is not None) is ("My exports" in page)
    return (found[1], found[2]) if found else None


def test_it_is_there_while_there_is_something_to_wait_for_or_to_fetch(
    app: Flask, world: World, files: Path
) -> None:
    assert tile(app, world) is None
    asked = services.ask(
        principal=world.sign_in("teacher"), subject=Subject.CLASSROOM, public_id=world.own_class.public_id
    )
    assert tile(app, world) == ("1", "1 under way")
    # Whoever leads the school sees it on its page, and has nothing to fetch.
    assert tile(app, world, "leader") is None
    work(asked, files)
    found = tile(app, world)
    assert found is not None
    assert found[0] == "1"
    assert re.fullmatch(r"1 to fetch until \w+ \d\d:\d\d", found[1])
    services.ask(
        principal=world.sign_in("teacher"), subject=Subject.CLASSROOM, public_id=world.own_class.public_id
    )
    found = tile(app, world)
    assert found is not None
    assert found[0] == "2"
    assert found[1].endswith(", 1 under way")


@pytest.mark.parametrize("over", ["fetched", "too late", "destroyed"])
def test_it_goes_with_what_cannot_be_fetched_any_more(
    app: Flask, world: World, ready: Callable[..., str], over: str
) -> None:
    asked = ready()
    assert tile(app, world) is not None
    if over == "fetched":
        change(asked, downloads=3)
    elif over == "too late":
        change(asked, ready_at=clock.now() - timedelta(hours=72))
    else:
        gone = {"file": None, "destroyed_at": clock.now(), "destroyed_for": DestroyedFor.TIME}
        change(asked, state=ExportState.DESTROYED, **gone)
    assert tile(app, world) is None

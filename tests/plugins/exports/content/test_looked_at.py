"""The page of an export, opened from a disk without a network: narrow and wide, light and dark."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Request, sync_playwright
from sqlalchemy import select, update

from backoffice.access.transaction import transaction
from backoffice.schools.models import Student
from tests.browser.axe import NARROW, WHOLE, breaches, look_closely
from tests.browser.chromium import FLAGS, chromium
from tests.browser.site import DESK, PHONE, Watch, too_low
from tests.factories.world import SYSTEM, World
from tests.plugins.exports.content.conftest import Scopes
from tests.plugins.exports.content.test_workbook import packed

LONG = "Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = chromium()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture
def long_name(world: World) -> Iterator[None]:
    """A child whose family's name does not break."""
    child = world.own_class.children[0]
    named = update(Student).where(Student.id == child.id)
    with transaction(SYSTEM) as tx:
        kept = tx.scalars(select(Student.family_name).where(Student.id == child.id)).one()
        tx.execute(named.values(family_name=LONG))
    yield
    with transaction(SYSTEM) as tx:
        tx.execute(named.values(family_name=kept))


def _noting(asked: list[str]) -> Callable[[Request], None]:
    return lambda request: asked.append(request.url)


@pytest.mark.parametrize("which", ["student", "family", "classroom", "school", "teacher"])
def test_it_is_read_without_a_network(
    browser: Browser, long_name: None, scopes: Scopes, tmp_path: Path, which: str
) -> None:
    made, _files = packed(scopes[which])
    made.extractall(tmp_path)
    for name, view, scheme in (
        ("wide", DESK, "light"),
        ("wide-dark", DESK, "dark"),
        ("narrow", PHONE, "light"),
        ("narrow-dark", PHONE, "dark"),
    ):
        context = browser.new_context(viewport=view, color_scheme=scheme, offline=True)  # type: ignore[arg-type]
        watch, asked = Watch(), list[str]()
        watch.over(context)
        context.on("request", _noting(asked))
        page = context.new_page()
        page.goto((tmp_path / "index.html").as_uri())
        for reason in page.locator("#left-out summary").all()[:1]:
            reason.click()
        page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= view["width"], name
        look_closely(page)
        assert breaches(page, WHOLE if view is DESK else NARROW) == [], name
        if view is PHONE:
            assert too_low(page) == [], name
        for link in page.locator("a[href]:not([href^='#'])").all():
            assert (tmp_path / str(link.get_attribute("href"))).is_file()
        assert asked == [(tmp_path / "index.html").as_uri()]
        assert watch.complaints == []
        context.close()

"""Names as long as one may write them, without a place to break: nothing scrolls sideways on a phone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page
from sqlalchemy import update

from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account
from backoffice.schools.models import Classroom, School, Student
from tests.browser.site import PHONE, Site, join
from tests.factories.world import SYSTEM, World

pytestmark = pytest.mark.browser

WORD = "Donaudampfschifffahrtsgesellschaftskapitaen"
PAGES = (
    ("teacher", "/console/"),
    ("teacher", "/console/classrooms/"),
    ("teacher", "/console/classrooms/{classroom}"),
    ("teacher", "/console/classrooms/{classroom}/edit"),
    ("teacher", "/console/classrooms/{classroom}/paste"),
    ("teacher", "/console/students/?classroom={classroom}"),
    ("teacher", "/console/students/{student}?classroom={classroom}"),
    ("teacher", "/console/students/{student}/edit"),
    ("leader", "/console/"),
    ("leader", "/console/schools/"),
    ("leader", "/console/teachers/"),
    ("leader", "/console/rosters/"),
    ("leader", "/console/rosters/new"),
    ("founder", "/console/"),
    ("parent", "/family"),
)


@pytest.fixture(scope="module")
def long_words(world: World) -> None:
    """Everybody and everything is called by one long word."""
    with transaction(SYSTEM) as tx:
        tx.execute(update(Account).values(name=WORD))
        tx.execute(update(School).values(name=WORD))
        tx.execute(update(Classroom).values(name=WORD))
        tx.execute(update(Student).values(given_name=WORD, family_name=WORD))


def wider_than_the_phone(page: Page) -> bool:
    return bool(page.evaluate("document.scrollingElement.scrollWidth") > PHONE["width"])


@pytest.mark.parametrize(("role", "path"), PAGES)
def test_a_page_is_no_wider(
    visit: Callable[..., Page], site: Site, long_words: None, role: str, path: str
) -> None:
    room = site.world.own_class
    page = visit(role, viewport=PHONE)
    page.goto(path.format(classroom=room.public_id, student=room.children[0].public_id))
    assert WORD in page.content()
    assert not wider_than_the_phone(page)


def test_a_childs_pages_are_no_wider(visit: Callable[..., Page], site: Site, long_words: None) -> None:
    page = visit(viewport=PHONE)
    join(page, site.world.own_class.code)
    assert page.get_by_role("button", name=WORD).count()
    assert not wider_than_the_phone(page)
    page.get_by_role("button", name=WORD).first.click()
    page.wait_for_url("**/student")
    assert not wider_than_the_phone(page)

"""The main pages in Spanish: said to be so, in nothing else, accessible, and with room for longer words."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page
from sqlalchemy import update

from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account
from tests.browser.axe import NARROW, WHOLE, breaches, look_closely
from tests.browser.pages import PAGES
from tests.browser.site import DESK, PHONE, Site, label, send_form
from tests.factories.world import SYSTEM, World
from tests.language.test_mails import SENTENCES

pytestmark = pytest.mark.browser
# The headings of stops, or their beginnings.
FOR_ADULTS = {
    "home": "La aplicación de clase",
    "sign-in": "Entrar",
    # By the time of the day.
    "dashboard": "Buen",
    "students": "Estudiantes",
    "classes": "Clases",
    "class": "Ownclass Otters",
    "a student": "Wilhelmina",
    "own child": "Wilhelmina",
}


@pytest.fixture(scope="module")
def speakers(world: World) -> None:
    """The teacher and the parent have chosen Spanish."""
    chosen = [world.people[role].id for role in ("teacher", "parent")]
    with transaction(SYSTEM) as tx:
        tx.execute(update(Account).where(Account.id.in_(chosen)).values(language="es"))


def meet(page: Page, heading: str) -> None:
    """Look at the page that is open, at a desk and on a phone."""
    assert page.locator("html").get_attribute("lang") == "es"
    assert heading in page.locator("h1:visible").inner_text()
    shown = " ".join(page.locator("body").inner_text().split())
    assert [text for text in SENTENCES if text in shown] == []
    look_closely(page)
    for size, options in ((DESK, WHOLE), (PHONE, NARROW)):
        page.set_viewport_size(size)
        assert breaches(page, options) == []
        assert page.evaluate("document.scrollingElement.scrollWidth") <= size["width"]


@pytest.mark.parametrize("name", FOR_ADULTS)
def test_a_page_for_adults(visit: Callable[..., Page], site: Site, speakers: None, name: str) -> None:
    stop = PAGES[name]
    page = visit(stop.role, locale="es-MX", reduced_motion="reduce")
    stop.reach(page, site)
    meet(page, FOR_ADULTS[name])


def test_the_pages_of_a_child(visit: Callable[..., Page], site: Site) -> None:
    # What is chosen at the foot comes before the language of the school.
    page, room = visit(reduced_motion="reduce"), site.world.own_class
    page.goto("/join")
    with page.expect_navigation():
        page.get_by_role("link", name="Español").click()
    meet(page, "Escribe el código de tu clase")
    page.get_by_role("textbox").fill(room.code)
    send_form(page, "Entrar")
    meet(page, "¿Quién eres?")
    page.get_by_role("button", name=label(room.children[0])).click()
    page.wait_for_url("**/student")
    meet(page, "Tienes")

"""On every page: accessible in light and dark, by keys, without scrolling sideways, and without a complaint.

Complaints of the browser (console, content security policy, failed requests) end any test that uses
`visit` or `come`; each page is met once, at a desk and on a phone.
"""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page
from sqlalchemy import insert, select

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account
from backoffice.accounts.services import people
from backoffice.schools.models import Membership, Role
from tests.browser.axe import DARK, NARROW, WHOLE, breaches, look_closely
from tests.browser.pages import PAGES
from tests.browser.site import DESK, PHONE, Site, spilled, status, too_low
from tests.browser.site_map import endpoint_of
from tests.browser.stops import complaints_of_keys
from tests.factories.world import COST, PASSWORD, SYSTEM, Person, World, add_passkey

pytestmark = pytest.mark.browser
# What stands at an address then is not the page that is meant.
GONE = (404, 410)


@pytest.fixture(scope="module")
def newcomer(world: World) -> None:
    """A teacher who has no class yet, and somebody who has nothing at all."""
    for role, name in (("alone", "Alan Alone"), ("newcomer", "Nora Newcomer")):
        email = f"{role}@people.example"
        public_id = people.create_account(
            principal=SYSTEM, email=email, name=name, password=PASSWORD, cost=COST
        )
        world.people[role] = Person(0, public_id, email, name)
    add_passkey(world.people["founder"].id)
    newcomer = world.people["newcomer"].public_id
    with transaction(SYSTEM) as tx:
        number = tx.scalar(select(Account.id).where(Account.public_id == newcomer))
        tx.execute(
            insert(Membership).values(
                id=tx.take_id(Membership),
                account_id=number,
                school_id=world.home.id,
                role=Role.TEACHER,
                created_at=clock.now(),
            )
        )


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.by_turns if "," in name else ()) for name in PAGES]
)
def test_a_page(come: Callable[[str | None], Page], site: Site, newcomer: None, name: str) -> None:
    stop = PAGES[name]
    if not site.serves(stop.path) and name == "trust":
        pytest.skip("This installation has no page of trust.")
    page = come(stop.role)
    stop.reach(page, site)
    assert page.locator("h1:visible").count() == 1
    # An error page passes every check below, and proves nothing about the page that was meant.
    assert ("(status" in page.content()) == name.startswith("error")
    if not name.startswith("error") and (shown := stop.shows(site.app, site.world)):
        assert endpoint_of(site.app, page.url) == shown
        assert "," in name or status(page) not in GONE
    look_closely(page)
    # A page in another state ("students, empty") has the frame of the first, which has been seen at a desk.
    desk_too = ((DESK, WHOLE), (PHONE, NARROW))
    for size, options in ((PHONE, WHOLE),) if "," in name else desk_too:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme="light")
        assert breaches(page, options) == []
        page.emulate_media(color_scheme="dark")
        assert breaches(page, DARK) == []
        assert page.evaluate("document.scrollingElement.scrollWidth") <= size["width"]
        assert spilled(page) == []
    assert too_low(page) == []
    if "," not in name:
        page.set_viewport_size(DESK)
        assert complaints_of_keys(page) == []
    # The board is for everybody in the room, and has nothing but points.
    if re.search(r"/console/\w+/(?!search)\w", page.url) and not page.url.endswith("/board"):
        assert page.get_by_role("navigation", name="Breadcrumb").get_by_role("link").count()


def test_what_is_too_low_is_noticed(visit: Callable[..., Page]) -> None:
    page = visit()
    page.set_content("<p><a href='/'>Alone</a></p><p>In <a href='/'>a sentence</a></p><input type=checkbox>")
    assert len(too_low(page)) == 2


def test_what_keys_do_not_reach_or_show_is_noticed(visit: Callable[..., Page]) -> None:
    page = visit()
    page.set_content(
        "<style>a:focus { outline: 2px solid } button { outline: none }</style>"
        "<a href='/'>One</a><button>Two</button><p inert><a href='/'>Three</a></p>"
    )
    assert complaints_of_keys(page) == ["unseen: button Two", "not reached: a Three"]
    page.evaluate("document.addEventListener('keydown', (it) => it.preventDefault())")
    assert complaints_of_keys(page) == ["never left after 0 of 3 stops"]


def test_axe_is_not_blind(visit: Callable[..., Page]) -> None:
    page = visit(reduced_motion="reduce")
    page.goto("/")
    look_closely(page)
    page.evaluate(
        "() => document.querySelector('main').insertAdjacentHTML('beforeend',"
        " '<img src=\"/static/logo.svg\"><p><button></button><button></button></p>')"
    )
    found = {line.split(":")[0] for line in breaches(page, WHOLE)}
    assert {"image-alt", "button-name", "target-size"} <= found

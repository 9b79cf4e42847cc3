"""What each role sees of the product, accessible and without a complaint: one page for each endpoint.

Who comes here follows the links of the own pages, as tests/contract does, and then tries the addresses that
tests/browser/pages.py knows. Who has not signed in is met there, and so are pages at which test_every_page.py
looks as the same role: here they are opened, and axe does not look at them a second time.
"""

from collections import deque
from collections.abc import Callable, Mapping

import pytest
from flask import Flask
from playwright.sync_api import Page

from backoffice.access.transaction import transaction
from tests.browser.axe import WHOLE, breaches, look_closely
from tests.browser.pages import PAGES
from tests.browser.site import Site, come_in
from tests.browser.site_map import answering, endpoint_of, is_page
from tests.contract.pages import links
from tests.factories import world as factory
from tests.factories.world import SYSTEM, World

pytestmark = pytest.mark.browser
# Whom pages show something that they show to nobody else; the child signs in as children do.
ROLES = ("founder", "leader", "officer", "teacher", "co_teacher", "helper", "parent", "child")
STARTS = ("/", "/console/", "/family", "/student")


@pytest.fixture(scope="module")
def also_a_parent(world: World) -> None:
    """The co-teacher has a child at another school, and with it two places to be at home."""
    with transaction(SYSTEM) as tx:
        child = world.elsewhere_class.children[0]
        factory._guardian(tx, world.people["co_teacher"], world.elsewhere, child)


def pages_for(site: Site, cookies: Mapping[str, str]) -> dict[str, str]:
    """By endpoint, the first address that shows its page to whoever has these cookies."""
    found: dict[str, str] = {}
    left = deque((*STARTS, *(stop.address(site.world) for stop in PAGES.values() if stop.path)))
    tried = set()
    while left:
        address = left.popleft()
        endpoint = endpoint_of(site.app, address)
        if address in tried or endpoint is None or endpoint in found or not is_page(endpoint):
            continue
        tried.add(address)
        browser = site.app.test_client()
        for name, value in cookies.items():
            browser.set_cookie(name, value)
        answer = browser.get(address, base_url=site.address)
        if answer.status_code == 200 and answer.mimetype == "text/html":
            found[endpoint] = address
            # Before what nobody leads to.
            left.extendleft(sorted(each for each in links(answer.text) if each.startswith("/")))
    return found


def looked_at(site: Site, role: str) -> set[str | None]:
    """The endpoints whose pages test_every_page.py looks at closely as this role, at a desk."""
    return {
        stop.shows(site.app, site.world)
        for name, stop in PAGES.items()
        if stop.role == role and not stop.act and "," not in name
    }


@pytest.mark.by_turns
@pytest.mark.parametrize("role", ROLES)
def test_the_pages_of_a_role(
    come: Callable[[str | None], Page], site: Site, app: Flask, also_a_parent: None, role: str
) -> None:
    page = come(None if role == "child" else role)
    if role == "child":
        come_in(page, site.world.own_class, site.world.own_class.children[0])
    found = pages_for(site, {each["name"]: each["value"] for each in page.context.cookies()})
    # A walk that met closed doors alone would prove nothing.
    own = {stop.shows(site.app, site.world) for stop in PAGES.values() if stop.role == role and not stop.act}
    assert own & answering(app) <= found.keys()
    elsewhere = looked_at(site, role)
    problems = {}
    for endpoint, address in found.items():
        page.goto(address)
        assert endpoint_of(site.app, page.url) == endpoint
        wrong = []
        if endpoint not in elsewhere:
            look_closely(page)
            wrong = breaches(page, WHOLE)
        if wrong:
            problems[address] = wrong
        if page.locator("h1:visible").count() != 1:
            problems[address] = [*wrong, "not one heading above all"]
    assert not problems

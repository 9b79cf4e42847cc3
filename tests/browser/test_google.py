"""Linking Google and signing in with it, in a real browser against a real provider process."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from backoffice.access.transaction import transaction
from backoffice.schools.models import School
from tests.browser.site import PHONE, Site, sign_in
from tests.factories.oidc_mock import mock_provider
from tests.factories.vouching import enrol
from tests.factories.world import PASSWORD, SYSTEM

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]


@pytest.fixture
def process(site: Site) -> Iterator[str]:
    """The provider process in the place of the site's own."""
    teacher = {
        "sub": "1001",
        "email": site.world.people["teacher"].email,
        "email_verified": True,
        "hd": "home.example",
    }
    with mock_provider(teacher) as address:
        enrol(address)
        yield address
        enrol(site.google.address)


@pytest.fixture
def opened(visit: Visit) -> Visit:
    """A fresh browser profile, in which the provider's own pages need nothing from the internet."""

    def opening(**options: Any) -> Page:
        page = visit(**options)
        page.context.route(
            "https://cdn.jsdelivr.net/**", lambda route: route.fulfill(content_type="text/css")
        )
        return page

    return opening


def agree(page: Page, process: str) -> None:
    """Say at the provider who one is."""
    page.wait_for_url(f"{process}/**")
    page.get_by_role("button", name="1001").click()


def test_linking_and_signing_in(opened: Visit, site: Site, process: str) -> None:
    page = opened()
    sign_in(page, site.world.people["teacher"])
    page.goto("/account")
    page.get_by_role("link", name="Link Google").click()
    agree(page, process)
    page.wait_for_url("**/account")
    expect(page.get_by_text("Your Google account is linked.")).to_be_visible()
    expect(page.get_by_role("button", name="Unlink Google")).to_be_visible()

    telephone = opened(viewport=PHONE, java_script_enabled=False)
    telephone.goto("/console/classrooms/")
    telephone.get_by_role("link", name="Sign in with Google").click()
    agree(telephone, process)
    telephone.wait_for_url("**/console/classrooms/")
    expect(telephone.get_by_role("main")).to_contain_text(site.world.own_class.name)

    page.reload()
    page.get_by_role("button", name="Unlink Google").click()
    expect(page.get_by_text("It is unlinked.")).to_be_visible()
    telephone.reload()
    expect(telephone.get_by_role("heading", name="Sign in")).to_be_visible()
    telephone.get_by_role("link", name="Sign in with Google").click()
    agree(telephone, process)
    expect(telephone.get_by_role("heading", name="This Google account is not linked")).to_be_visible()
    telephone.get_by_role("button", name="Mail me a link").click()
    expect(telephone.get_by_text("If there is an account with the address")).to_be_visible()


def test_giving_up_leads_back(opened: Visit, process: str) -> None:
    page = opened()
    page.goto("/sign-in")
    page.get_by_role("link", name="Sign in with Google").click()
    page.wait_for_url(f"{process}/**")
    page.get_by_role("button", name="Deny").click()
    expect(page.get_by_text("You were not signed in, because it was stopped")).to_be_visible()
    page.get_by_role("link", name="Back to signing in").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.fixture
def asking(site: Site) -> Iterator[None]:
    def asks(by: str | None, domain: str | None) -> None:
        here = update(School).where(School.id == site.world.elsewhere.id)
        with transaction(SYSTEM) as tx:
            tx.execute(here.values(sign_in_by=by, sign_in_from=domain))

    asks("google", "elsewhere.example")
    yield
    asks(None, None)


def test_a_school_that_asks_for_its_domain_says_how_it_opens(visit: Visit, site: Site, asking: None) -> None:
    page = visit()
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(site.world.people["elsewhere"].email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/welcome")
    expect(page.get_by_role("heading", name="Your school wants another way in")).to_be_visible()
    page.get_by_role("link", name="Link it in my account").click()
    expect(page.get_by_role("link", name="Link Google")).to_be_visible()

"""Passkeys in a real browser with an authenticator of its own: adding, signing in, second factor."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Page

from backoffice.accounts.services import people
from tests.browser.site import PHONE, Site
from tests.factories.world import COST, PASSWORD, SYSTEM

pytestmark = pytest.mark.browser


@dataclass
class Device:
    """The authenticator that a page's browser has built in."""

    session: CDPSession
    id: str

    def owner_is_there(self, *, there: bool) -> None:
        """Whether whoever is asked for a finger is its owner."""
        said = {"authenticatorId": self.id, "isUserVerified": there}
        self.session.send("WebAuthn.setUserVerified", said)

    def credentials(self) -> list[dict[str, Any]]:
        """The passkeys on it."""
        found = self.session.send("WebAuthn.getCredentials", {"authenticatorId": self.id})
        credentials: list[dict[str, Any]] = found["credentials"]
        return credentials


def device_of(page: Page) -> Device:
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return Device(session, made["authenticatorId"])


def by_password(page: Page, email: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def add_one(page: Page, name: str) -> None:
    page.goto("/account/passkeys")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Add a passkey").click()


@pytest.fixture
def founder(site: Site) -> str:
    del site
    email = "keyed-founder@people.example"
    people.create_account(
        principal=SYSTEM, email=email, name="Fay Founder", password=PASSWORD, cost=COST, founder=True
    )
    return email


def test_a_founder_adds_a_passkey_and_comes_in_by_it(visit: Callable[..., Page], founder: str) -> None:
    page = visit()
    device = device_of(page)
    by_password(page, founder)
    page.get_by_role("link", name="Use a passkey instead").click()
    add_one(page, "")
    assert page.get_by_label("Name").evaluate("it => it === document.activeElement")
    assert device.credentials() == [], "Nothing is made that would be refused."
    add_one(page, "School laptop")
    page.get_by_role("heading", name="Your recovery codes").wait_for()
    assert len(page.locator(".recovery-codes code").all_inner_texts()) == 10
    (held,) = device.credentials()
    assert (held["isResidentCredential"], held["rpId"]) == (True, "localhost")
    page.get_by_role("link", name="I have kept them").click()
    page.wait_for_url("**/console/")

    # The device has one already, and says so.
    add_one(page, "Twice")
    page.get_by_text("This device has a passkey of yours already.").wait_for()

    # Alone, in the place of password and code.
    page.goto("/console/")
    page.get_by_role("button", name="Sign out").first.click()
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/console/")

    # As second factor.
    page.get_by_role("button", name="Sign out").first.click()
    by_password(page, founder)
    page.get_by_role("heading", name="One more step").wait_for()
    page.get_by_role("button", name="Use a passkey instead").click()
    page.wait_for_url("**/console/")

    # Whoever is there instead of the owner is refused, and may try again at once.
    page.get_by_role("button", name="Sign out").first.click()
    device.owner_is_there(there=False)
    button = page.get_by_role("button", name="Sign in with a passkey")
    button.click()
    page.get_by_text("Nothing was done: it was cancelled").wait_for()
    device.owner_is_there(there=True)
    button.click()
    page.wait_for_url("**/console/")

    # The last factor of a founder stays.
    page.goto("/account/passkeys")
    page.get_by_role("button", name="Remove School laptop").click()
    page.get_by_text("Your account must have a second factor.").wait_for()


def test_a_passkey_on_a_phone_and_at_a_shared_computer(visit: Callable[..., Page], site: Site) -> None:
    email = "keyed-teacher@people.example"
    people.create_account(principal=SYSTEM, email=email, name="Tess Teacher", password=PASSWORD, cost=COST)
    page = visit(viewport=PHONE)
    device_of(page)
    by_password(page, email)
    page.wait_for_url("**/welcome")
    page.goto("/account")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill("My phone")
    page.get_by_label("Name").press("Enter")
    page.get_by_role("heading", name="Your recovery codes").wait_for()
    page.goto("/account")
    assert page.get_by_text("My phone").is_visible()
    page.get_by_role("button", name="Sign out").first.click()
    page.get_by_text("Others use this computer too").check()
    sent = []
    page.on("request", lambda request: sent.append(request.post_data or ""))
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/welcome")
    assert any("shared=y" in each for each in sent)
    page.goto("/account/passkeys")
    page.get_by_role("button", name="Remove My phone").click()
    page.get_by_text("That passkey is removed.").wait_for()
    del site


def test_without_javascript_no_button_promises_anything(visit: Callable[..., Page]) -> None:
    page = visit("teacher", java_script_enabled=False)
    page.goto("/account/passkeys")
    assert page.get_by_text("this page needs JavaScript").is_visible()
    assert not page.get_by_role("button", name="Add a passkey").is_visible()
    page = visit(java_script_enabled=False)
    page.goto("/sign-in")
    assert not page.get_by_role("button", name="Sign in with a passkey").is_visible()

"""Setting up a second factor in a browser, and signing in with it."""

from collections.abc import Callable

import pyotp
import pytest
from playwright.sync_api import Page

from backoffice.accounts.services import people
from tests.browser.site import Site
from tests.factories.world import COST, PASSWORD, SYSTEM

pytestmark = pytest.mark.browser


def test_a_founder_sets_up_an_app_and_comes_in_by_it(visit: Callable[..., Page], site: Site) -> None:
    email = "fresh-founder@people.example"
    people.create_account(
        principal=SYSTEM, email=email, name="Fay Founder", password=PASSWORD, cost=COST, founder=True
    )
    page = visit()
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("heading", name="Second factor").wait_for()
    page.goto("/console/")
    page.get_by_role("button", name="Set it up").click()
    picture = page.get_by_role("img", name="The picture for your app")
    assert picture.evaluate("it => it.complete && it.naturalWidth > 100")
    page.get_by_text("I cannot scan it").click()
    app = pyotp.TOTP(page.locator("code").inner_text().replace(" ", ""))
    page.get_by_label("One-time code").fill(app.now())
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("heading", name="Your recovery codes").wait_for()
    codes = page.locator(".recovery-codes code").all_inner_texts()
    assert len(codes) == 10
    page.get_by_role("link", name="I have kept them").click()
    page.wait_for_url("**/console/")
    page.get_by_role("button", name="Sign out").first.click()
    assert not [code for code in codes if code in page.content()]
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("heading", name="One more step").wait_for()
    code = page.get_by_label("One-time code")
    assert code.evaluate("it => it === document.activeElement"), "Nothing is in the way of typing it."
    code.fill(codes[0])
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/console/")

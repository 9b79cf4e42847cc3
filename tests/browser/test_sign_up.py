"""From wanting an account to the first class, to another address, and out, in a browser."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.accounts.address_models import EmailChange
from tests.accounts.post import link_for
from tests.browser.site import DESK, PHONE
from tests.factories.world import SYSTEM

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
PASSWORD = "walrus umbrella saxophone"


@pytest.mark.parametrize("scripts", [True, False])
def test_a_teacher_signs_up_moves_and_leaves(visit: Visit, scripts: bool) -> None:
    email = f"ana-{scripts}@people.example".lower()
    page = visit(viewport=DESK if scripts else PHONE, java_script_enabled=scripts)
    page.goto("/sign-in")
    page.get_by_role("link", name="Open a teacher’s account").click()
    page.get_by_label("Your name").fill("Ana Rivera")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("State or province").select_option(label="California")
    page.get_by_role("button", name="Mail me a link").click()
    expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()

    page.goto(f"/sign-up/{link_for(email, 'sign-up')}")
    expect(page.get_by_label("Your name")).to_have_value("Ana Rivera")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Open my account").click()
    expect(page.get_by_text("Welcome. Your account is ready.")).to_be_visible()
    page.get_by_role("link", name="Make a class").click()
    page.get_by_label("Name of the class").fill("Period 2")
    page.get_by_role("button", name="Make the class").click()
    expect(page.get_by_role("heading", level=1, name="Period 2")).to_be_visible()

    new = f"new-{email}"
    page.goto("/account")
    page.get_by_role("link", name="Change my address").click()
    page.get_by_label("New e-mail address").fill(new)
    page.get_by_role("button", name="Mail me a link").click()
    expect(page.get_by_text("A link is on its way to the new address")).to_be_visible()
    page.goto(f"/account/email/{link_for(new, 'account/email')}")
    page.get_by_role("button", name="Confirm the address").click()
    expect(page.get_by_text(f"You sign in with {new}")).to_be_visible()

    page.get_by_role("link", name="Delete my account").click()
    expect(page.get_by_text("1 class of yours is deleted: Period 2.")).to_be_visible()
    page.get_by_label("Your email address, to confirm").fill(new)
    page.get_by_role("button", name="Delete my account for good").click()
    expect(page.get_by_text("was changed within the last week").first).to_be_visible()
    with transaction(SYSTEM) as tx:
        tx.execute(update(EmailChange).values(confirmed_at=clock.now() - timedelta(days=8)))
    page.get_by_label("Your email address, to confirm").fill(new)
    page.get_by_role("button", name="Delete my account for good").click()
    expect(page.get_by_text("Your account is closed, and is deleted now.")).to_be_visible()
    page.go_back()
    assert "Period 2" not in page.content()
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(new)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("do not match").first).to_be_visible()

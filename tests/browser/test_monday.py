"""Ten minutes on Monday: from a proved account to 28 names, printed cards, an open door and a child in.

With SCREENSHOTS=/some/folder it leaves a picture of each step there.
"""

import os
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.accounts.post import link_for
from tests.browser.site import DESK, PHONE, join
from tests.browser.test_journeys import STUDENTS
from tests.factories.paper import scanned

pytestmark = pytest.mark.browser

PASSWORD = "walrus umbrella saxophone"
MOST_CLICKS = 15
THREE_MINUTES, A_MINUTE = 180.0, 60.0
COUNT = "addEventListener('click', (event) => { if (event.isTrusted && event.detail) clicked(); }, true)"


def open_account(page: Page, email: str) -> None:
    """Sign up and prove the mailbox; ends on the console's first page."""
    page.goto("/sign-up")
    page.get_by_label("Your name").fill("Mona Day")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("State or province").select_option(label="California")
    page.get_by_role("button", name="Mail me a link").click()
    page.get_by_role("heading", name="Look into your mailbox").wait_for()
    page.goto(f"/sign-up/{link_for(email, 'sign-up')}")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Open my account").click()
    page.get_by_text("Welcome. Your account is ready.").wait_for()


@pytest.fixture
def seen() -> Callable[[Page, str], None]:
    """Takes a picture of a step, if somebody wants one."""
    folder, numbers = os.environ.get("SCREENSHOTS"), count(1)

    def take(page: Page, step: str) -> None:
        if folder:
            page.screenshot(path=Path(folder) / f"monday-{next(numbers):02} {step}.png")

    return take


def test_ten_minutes_on_monday(
    visit: Callable[..., Page], seen: Callable[[Page, str], None], tmp_path: Path
) -> None:
    page, clicks = visit(viewport=DESK), []
    open_account(page, "monday@people.example")
    began = time.monotonic()
    seen(page, "a new account")
    page.expose_function("clicked", lambda: clicks.append(page.url))
    page.add_init_script(COUNT)
    page.evaluate(COUNT)

    page.get_by_role("link", name="Make a class").click()
    page.get_by_label("Name of the class").fill("Monday Monkeys")
    seen(page, "a class")
    page.get_by_role("button", name="Make the class").click()
    page.get_by_role("link", name="Paste a list of names").click()
    page.get_by_label("Names").fill("\n".join(STUDENTS))
    seen(page, "a pasted list")
    page.get_by_role("button", name="Check the list").click()
    page.get_by_role("heading", name="This is what will happen").wait_for()
    seen(page, "what will happen")
    page.get_by_role("button", name="Add 28 students").click()
    expect(page.get_by_role("heading", name="Students 28")).to_be_visible()
    seen(page, "the open door")
    expect(page.locator(".code-card")).to_contain_text("Open")
    code = page.locator(".code-show").inner_text().split()[-1]
    page.get_by_role("link", name="Cards and PINs").click()
    page.get_by_role("button", name="Print cards for all").wait_for()
    seen(page, "cards to print")
    with page.expect_download() as download:
        page.get_by_role("button", name="Print cards for all").click()
    cards = tmp_path / "cards.pdf"
    download.value.save_as(cards)
    printed = time.monotonic()
    assert len(clicks) <= MOST_CLICKS
    assert printed - began <= THREE_MINUTES

    # The first child by its card, the second by the code.
    addresses = set(scanned(cards.read_bytes()))
    assert len(addresses) == len(STUDENTS)
    handed_out = time.monotonic()
    first = visit(viewport=PHONE)
    first.goto(min(addresses))
    seen(first, "a card")
    first.get_by_role("button", name="Yes, it is me").click()
    expect(first.get_by_role("heading", name="You have")).to_be_visible()
    seen(first, "the first child")
    assert time.monotonic() - handed_out <= A_MINUTE
    second = visit(viewport=PHONE)
    join(second, code)
    second.get_by_role("button", name="Abigail Y.").wait_for()
    seen(second, "the names")
    second.get_by_role("button", name="Abigail Y.").click()
    expect(second.get_by_role("heading", name="You have")).to_be_visible()
    print(f"\n{len(clicks)} clicks, {printed - began:.0f} s until the cards were printed")

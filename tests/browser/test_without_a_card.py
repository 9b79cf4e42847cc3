"""The pages of buying without a card, connected to a Stripe: at a desk and on a phone, light and dark."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page

from backoffice import clock
from plugins.billing.exemption.services import Given, hand_in
from tests.browser.looking import looked_at
from tests.browser.site import Site
from tests.plugins.billing.buying import PDF, Buying, buying, stand_in

__all__ = ["buying", "stand_in"]
pytestmark = pytest.mark.browser
TOP = "/console/billing/"


def test_from_the_quote_to_the_cheque(
    come: Callable[[str | None], Page], site: Site, buying: Buying, tmp_path: Path
) -> None:
    page = come("leader")
    here = f"{TOP}{buying.school}"
    page.goto(f"{site.address}{here}/quotes")
    page.get_by_label("How many teachers").fill("12")
    page.get_by_role("button", name="Make the quote").click()
    looked_at(page, "quotes")

    page.get_by_role("link", name="Order this").click()
    looked_at(page, "order")
    paper = tmp_path / "order.pdf"
    paper.write_bytes(PDF)
    page.get_by_label("Number of the purchase order").fill("PO-4711")
    page.get_by_label("E-mail address for the invoice").fill("office@school.example")
    page.get_by_label("Purchase order as a file").set_input_files(paper)
    page.get_by_role("button", name="Order it").click()
    assert "Ordered" in page.locator(".chip").all_inner_texts()

    buying.place()
    page.goto(f"{site.address}{here}/quotes")
    looked_at(page, "ordered")
    page.goto(f"{site.address}{here}")
    looked_at(page, "subscription")
    page.get_by_role("link", name="Paid by cheque or transfer").click()
    looked_at(page, "paid")


def test_a_certificate(come: Callable[[str | None], Page], site: Site, buying: Buying) -> None:
    page = come("leader")
    given = Given("MA", clock.now().date() + timedelta(days=300), PDF)
    hand_in(principal=buying.leader, payer=buying.school, given=given)
    page.goto(f"{site.address}{TOP}{buying.school}/exemption")
    assert page.get_by_role("link", name="Download").count() == 1
    looked_at(page, "exemption")

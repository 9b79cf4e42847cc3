"""A deletion is followed on its page: what it is called is said as soon as it is known."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.privacy.erasure import asking
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.erasure.models import Erasure
from tests.browser.site import Site
from tests.factories.world import SYSTEM

pytestmark = pytest.mark.browser


def test_the_heading_says_whom_it_is_about_when_that_is_found_out(
    visit: Callable[..., Page], site: Site
) -> None:
    page = visit("teacher")
    child = site.world.own_class.children[1]
    page.goto(f"/console/students/{child.public_id}/erase")
    page.get_by_role("button", name="See what would go").click()
    page.wait_for_url("**/console/erasures/*")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("A student")
    with transaction(SYSTEM) as tx:
        own = Erasure.public_id == page.url.rpartition("/")[2]
        number = tx.scalars(select(Erasure.id).where(own)).one()
    eraser = eraser_of(site.app.extensions["backoffice"], Purpose("test-deleting"))
    assert asking.look(eraser, number=number)
    expect(heading).to_have_text(f"Delete {child.given} {child.family}")
    page.get_by_role("button", name="Leave it as it is").click()
    expect(heading).to_have_text("A student")

"""A child's form on a bad connection, and what a browser keeps of a child: nothing."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Request, expect
from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.transaction import transaction
from backoffice.students.models import StudentSession
from backoffice.students.worries.models import Worry
from tests.browser.site import PHONE, Site, come_in, join, label
from tests.factories.world import SYSTEM

pytestmark = pytest.mark.browser

KEPT = """async () => [
  Object.keys(localStorage), Object.keys(sessionStorage), await indexedDB.databases(), await caches.keys(),
  (await navigator.serviceWorker.getRegistrations()).map((each) => each.scope), document.cookie,
].flat()"""


def test_a_form_waits_for_the_connection_and_is_sent_once(visit: Callable[..., Page], site: Site) -> None:
    own = site.world.own_class
    page = visit(viewport=PHONE)
    sent: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST":
            sent.append(request.url)

    join(page, own.code)
    name = page.get_by_role("button", name=label(own.children[0]))
    expect(name).to_be_visible()
    page.on("request", note)
    page.context.set_offline(True)
    name.click()
    expect(page.get_by_role("status")).to_contain_text("No connection")
    # Pressed again, and somebody else's name as well: the first press counts, once.
    name.click()
    page.get_by_role("button", name=label(own.children[1])).click()
    assert sent == []
    page.context.set_offline(False)
    page.wait_for_url("**/student")
    expect(page.locator(".who-name")).to_have_text(label(own.children[0]))
    assert len(sent) == 1


def test_what_was_typed_stays_and_nothing_is_kept(visit: Callable[..., Page], site: Site) -> None:
    own = site.world.own_class
    page = visit(viewport=PHONE)
    page.goto("/join")
    page.get_by_label("Type your class code").fill(own.code)
    # A wireless network that is there, and carries nothing.
    page.route("**/healthz", lambda route: route.abort("aborted"))
    page.get_by_role("button", name="Go").click()
    expect(page.get_by_role("status")).to_contain_text("No connection")
    expect(page.get_by_label("Type your class code")).to_have_value(own.code)
    page.unroute("**/healthz")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.get_by_role("heading", name="Who are you?")).to_be_visible()
    assert (page.evaluate(KEPT), own.code in page.url) == ([""], False)
    come_in(page, own, own.children[0])
    assert (page.evaluate(KEPT), page.url) == ([""], f"{site.address}/student")
    page.get_by_role("button", name="Not me?").click()
    expect(page.get_by_role("heading", name="Goodbye!")).to_be_visible()
    page.go_back()
    expect(page.get_by_text(label(own.children[0]))).to_have_count(0)


def test_a_link_waits_for_the_connection(visit: Callable[..., Page], site: Site) -> None:
    own = site.world.own_class
    page = visit(viewport=PHONE)
    come_in(page, own, own.children[0])
    page.route("**/healthz", lambda route: route.abort("aborted"))
    page.get_by_role("link", name="Tell someone").click()
    expect(page.get_by_role("status")).to_contain_text("No connection")
    assert page.url == f"{site.address}/student"
    page.unroute("**/healthz")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.get_by_role("heading", name="Tell someone")).to_be_visible()


def test_what_was_typed_is_sent_after_coming_in_again(visit: Callable[..., Page], site: Site) -> None:
    own, words = site.world.own_class, "It was behind the shed"
    page = visit(viewport=PHONE)
    come_in(page, own, own.children[0])
    page.get_by_role("link", name="Tell someone").click()
    page.get_by_text("Write something, too").click()
    page.get_by_label("You can write here").fill(words)
    with transaction(SYSTEM) as tx:
        tx.execute(update(StudentSession).values(ended_at=clock.now()))
    page.get_by_role("button", name="I saw something strange").click()
    expect(page.get_by_role("heading", name="This is not sent yet")).to_be_visible()
    expect(page.get_by_label("Your words")).to_have_value(words)
    assert (page.evaluate(KEPT), words in page.url) == ([""], False)
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Come in again").click()
    beside = opened.value
    beside.get_by_label("Type your class code").fill(own.code)
    beside.get_by_role("button", name="Go").click()
    beside.get_by_role("button", name=label(own.children[0])).click()
    expect(beside.locator(".who-name")).to_have_text(label(own.children[0]))
    page.get_by_role("button", name="Send it").click()
    expect(page.get_by_label("You can write here")).to_have_value(words)
    page.get_by_role("button", name="I saw something strange").click()
    expect(page.get_by_role("heading", name="Thank you for telling")).to_be_visible()
    with transaction(SYSTEM) as tx:
        assert words in tx.scalars(select(Worry.note)).all()

"""What a newcomer does on the first day, and what each person must not meet on the way."""

from collections.abc import Callable
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin

import pytest
from playwright.sync_api import Page, expect

from tests.browser.site import (
    Site,
    Watch,
    back,
    come_in,
    join,
    make_class,
    paste_names,
    sign_in,
)

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
GIVEN = ("Abigail", "Balthazar", "Clementine", "Demetrius", "Evangeline", "Florentin", "Guinevere")
FAMILY = ("Yarborough", "Xanthopoulos", "Winterbottom", "Vandermeer")
STUDENTS = [f"{given} {family}" for given in GIVEN for family in FAMILY]
NOTHING_LEFT = """async () => ({
  local: {...localStorage}, session: {...sessionStorage}, databases: await indexedDB.databases(),
  caches: await caches.keys(), workers: (await navigator.serviceWorker.getRegistrations()).length,
  readable: document.cookie,
})"""


def test_a_teachers_first_day_and_a_childs(visit: Visit, site: Site) -> None:
    world = site.world
    page = visit()
    sign_in(page, world.people["teacher"])
    page.get_by_label("Console").get_by_role("link", name="Classes").click()
    expect(page.get_by_role("rowheader", name=world.own_class.name)).to_be_visible()
    assert world.colleague_class.name not in page.content()
    page.get_by_label("Console").get_by_role("link", name="Students").click()
    for child in world.own_class.children:
        expect(page.get_by_role("rowheader", name=f"{child.given} {child.family}")).to_be_visible()
    for child in world.colleague_class.children:
        assert str(child.family) not in page.content()
    page.get_by_role("searchbox", name="Find a name").fill("quarter")
    page.keyboard.press("Enter")
    expect(page.get_by_role("rowheader")).to_have_text(["Wilhelmina Quartermaine"])

    make_class(page, "Maple Magpies")
    paste_names(page, STUDENTS)
    expect(page.get_by_role("heading", name="Students 28")).to_be_visible()

    page.get_by_role("link", name="Clementine Winterbottom").click()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Given name").fill("Clementina")
    page.get_by_role("button", name="Save, then the next").click()
    expect(page.get_by_role("heading", name="Correct a name")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="Previous").click()
    expect(page.get_by_role("heading", name="Clementina Winterbottom")).to_be_visible()
    page.get_by_label("Breadcrumb").get_by_role("link", name="Maple Magpies").click()
    code = page.locator(".code-show").inner_text().removeprefix("The code is").strip()
    assert len(code) == 9

    tablet = visit()
    typed = f" {code[:3].lower()} {code[3:6].lower()} {code[6:].lower()} "
    assert "-" in typed
    join(tablet, typed)
    expect(tablet.get_by_role("heading", name="Who are you?")).to_be_visible()
    expect(tablet.locator(".name")).to_have_count(28)
    assert "Winterbottom" not in tablet.content()
    tablet.get_by_role("button", name="Clementina W.").click()
    expect(tablet.locator(".who-name")).to_have_text("Clementina W.")
    expect(tablet.get_by_text("Your first point will show here.")).to_be_visible()
    tablet.get_by_role("button", name="I am done").click()
    expect(tablet.get_by_role("heading", name="Goodbye!")).to_be_visible()


def test_a_child_sees_the_own_points_and_leaves_nothing_behind(visit: Visit, site: Site) -> None:
    classroom = site.world.own_class
    first, second = classroom.children
    page = visit()
    come_in(page, classroom, first)
    expect(page.locator(".big")).to_have_text("2 points")
    expect(page.get_by_text("Praise of the Ownclass Otters")).to_be_visible()
    shown = page.content()
    assert second.given not in shown
    assert str(first.family) not in shown
    assert "Comment about" not in shown

    page.get_by_role("button", name="I am done").click()
    expect(page.get_by_role("heading", name="Goodbye!")).to_be_visible()
    assert first.given not in page.content()
    assert page.evaluate(NOTHING_LEFT) == {
        "local": {},
        "session": {},
        "databases": [],
        "caches": [],
        "workers": 0,
        "readable": "",
    }
    # What is left of the child: nothing. The device is known as one of the school's.
    assert sorted(cookie["name"] for cookie in page.context.cookies()) == ["device", "form"]

    for _ in range(3):
        seen = back(page)
        assert first.given not in seen
        assert "Praise of" not in seen
    page.goto("/student")
    expect(page.get_by_role("heading", name="Type your class code")).to_be_visible()


def test_after_signing_out_the_back_button_shows_no_child(visit: Visit, site: Site) -> None:
    page = visit()
    sign_in(page, site.world.people["teacher"])
    page.goto("/console/students/")
    expect(page.get_by_text("Quartermaine")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    assert "Quartermaine" not in back(page)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_leader_sees_the_classes_of_both_schools(visit: Visit, site: Site) -> None:
    world = site.world
    page = visit("leader")
    page.goto("/console/classrooms/")
    for classroom in (world.own_class, world.colleague_class, world.elsewhere_class):
        expect(page.get_by_role("rowheader", name=classroom.name)).to_be_visible()
    assert world.foreign_class.name not in page.content()


@pytest.mark.parametrize("role", ["elsewhere", "outsider"])
def test_another_schools_teacher_sees_none_of_them(visit: Visit, site: Site, role: str) -> None:
    world = site.world
    page = visit(role)
    for path in ("/console/", "/console/classrooms/", "/console/students/"):
        page.goto(path)
        shown = page.content()
        for classroom in (world.own_class, world.colleague_class):
            assert classroom.name not in shown
            assert classroom.code not in shown.replace("-", "")
            assert not [c for c in classroom.children if c.given in shown or str(c.family) in shown]
    for path in (
        f"/console/classrooms/{world.own_class.public_id}",
        f"/console/classrooms/{world.own_class.public_id}/paste",
        f"/console/students/{world.own_class.children[0].public_id}",
        f"/console/students/?classroom={world.own_class.public_id}",
    ):
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 404
        assert "There is no such page" in page.content()


def test_no_page_a_founder_can_reach_names_a_child(visit: Visit, site: Site) -> None:
    world = site.world
    page = visit("founder")
    page.goto("/console/schools/")
    for school in (world.home, world.elsewhere, world.outside):
        expect(page.get_by_role("rowheader", name=school.name)).to_be_visible()
    home = page.get_by_role("row").filter(has_text=world.home.name)
    expect(home.get_by_role("cell", name="4", exact=True).first).to_be_visible()

    pages = crawled(page, site.address, "/console/")
    assert {"/", "/console/", "/console/schools/"} <= pages.keys()
    every = (world.own_class, world.colleague_class, world.elsewhere_class, world.foreign_class)
    children = [child for classroom in every for child in classroom.children]
    for path, shown in pages.items():
        named = [c for c in children if c.given in shown or str(c.family) in shown]
        assert not named, path


def test_the_watch_notices(visit: Visit, watch: Watch) -> None:
    page = visit()
    page.goto("/")
    page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
        " document.head.append(s); console.error('loud'); fetch('/nowhere'); }"
    )
    for _ in range(50):
        page.wait_for_timeout(100)
        if any(complaint.startswith("status") for complaint in watch.complaints):
            break
    assert page.evaluate("window.ran") is None
    kinds = {complaint.split(":")[0].split(" ")[0] for complaint in watch.complaints}
    assert kinds >= {"console", "status"}
    assert any("Content Security Policy" in complaint for complaint in watch.complaints)
    assert any("loud" in complaint for complaint in watch.complaints)
    watch.complaints.clear()


def crawled(page: Page, origin: str, start: str) -> dict[str, str]:
    """Everything that links lead to from `start`, by path, as whoever is signed in on the page."""
    found: dict[str, str] = {}
    waiting = [start]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        answer = page.request.get(origin + path)
        found[path] = answer.text()
        if "text/html" in answer.headers["content-type"]:
            links = Links()
            links.feed(found[path])
            for link in links.found:
                target = urldefrag(urljoin(answer.url, link)).url
                if target.startswith(origin) and "/static/" not in target:
                    waiting.append(target.removeprefix(origin))
    return found


class Links(HTMLParser):
    """The addresses that a page's links lead to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]

"""From a teacher's invitation to a parent who is out again, in a browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.site import DESK, PHONE, Site
from tests.families.acts import print_letter
from tests.families.post import token_for

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
PASSWORD = "walrus umbrella saxophone"


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_parent_is_invited_confirmed_sees_the_child_and_is_out(
    visit: Visit, site: Site, size: ViewportSize
) -> None:
    child, email, name = site.world.own_class.children[1], f"paul{size['width']}@people.example", "Paul Papa"
    teacher = visit("teacher", viewport=size)
    teacher.goto(f"/console/students/{child.public_id}")
    teacher.get_by_role("link", name="Invite a parent").click()
    teacher.get_by_label("E-mail address").fill(email)
    teacher.get_by_label("Name of the parent").fill(name)
    teacher.get_by_role("button", name="Send the invitation").click()
    expect(teacher.get_by_text("The invitation is on its way.")).to_be_visible()

    parent = visit(viewport=size)
    parent.goto(f"/family/invitations/{token_for(email)}")
    expect(parent.get_by_text(child.given, exact=True)).to_be_visible()
    parent.get_by_label("Your name").fill(f"{name} {size['width']}")
    parent.get_by_label("Password", exact=True).fill(PASSWORD)
    parent.get_by_role("button", name="Make my account and ask").click()
    expect(parent.get_by_text("The teacher is told that you asked.")).to_be_visible()

    decide(teacher, f"{name} {size['width']}", child.given, "Confirm")
    parent.get_by_role("link", name="Look again").click()
    expect(parent.get_by_role("heading", name=child.given)).to_be_visible()
    parent.get_by_role("link", name=f"Who of the school looked at {child.given}’s record").click()
    expect(parent.get_by_text("Tilda Teacher, teacher")).to_be_visible()
    assert child.family
    assert child.family not in parent.content()

    decide(teacher, f"{name} {size['width']}", child.given, "End the link")
    parent.reload()
    expect(parent.get_by_role("heading", name="There is no such page")).to_be_visible()


def decide(teacher: Page, parent: str, child: str, act: str) -> None:
    """Tick a parent, choose what to do, and say yes to the question that names both."""
    teacher.goto("/console/families/")
    teacher.get_by_role("row").filter(has_text=parent).get_by_role("checkbox").check()
    teacher.get_by_role("button", name=act).click()
    expect(teacher.get_by_text(f"{parent} ").filter(has_text=child)).to_be_visible()
    teacher.get_by_role("button", name=act).click()
    teacher.wait_for_url("**/console/families/")


def test_a_letter_is_typed_on_a_phone_without_scripts(visit: Visit, site: Site) -> None:
    code, email = print_letter(site.world, site.world.own_class.children[0]), "lena@people.example"
    parent = visit(viewport=PHONE, java_script_enabled=False)
    parent.goto("/sign-in")
    parent.get_by_role("link", name="Type its code").click()
    parent.get_by_label("Code of the letter").fill(" ".join(code.lower()))
    parent.get_by_role("button", name="Go on").click()
    expect(parent.get_by_text("Wilhelmina", exact=True)).to_be_visible()
    parent.get_by_label("Your name").fill("Lena Letter")
    parent.get_by_label("Your e-mail address").fill(email)
    parent.get_by_role("button", name="Mail me the link").click()
    expect(parent.get_by_role("heading", name="Look into your mailbox")).to_be_visible()
    parent.goto(f"/family/invitations/{token_for(email)}")
    parent.get_by_label("Password", exact=True).fill(PASSWORD)
    parent.get_by_role("button", name="Make my account and ask").click()
    expect(parent.get_by_text("The teacher is told that you asked.")).to_be_visible()


def test_each_letter_is_a_sheet_of_paper(visit: Visit, site: Site) -> None:
    for child in site.world.own_class.children:
        print_letter(site.world, child)
    teacher = visit("teacher")
    teacher.goto(f"/console/families/letters/{site.world.own_class.public_id}")
    letters = teacher.locator(".letter").count()
    teacher.emulate_media(media="print")
    for hidden in (".sidebar", ".topbar", ".main-head", ".crumbs"):
        assert not teacher.locator(hidden).is_visible(), hidden
    sheets = teacher.pdf(format="A4").count(b"/Type /Page\n")
    assert sheets == letters > 0

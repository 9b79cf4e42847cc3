"""A tablet of a class, from the teacher's screen to the first child, without a script."""

import io
from collections.abc import Callable

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.site import PHONE, Site

pytestmark = pytest.mark.browser


def test_a_tablet_is_paired_by_its_camera_and_starts_at_the_names(
    visit: Callable[..., Page], site: Site
) -> None:
    room = site.world.own_class
    teacher = visit("teacher", java_script_enabled=False)
    teacher.goto(f"/console/classrooms/{room.public_id}/entry")
    teacher.get_by_label("Name of the tablet").fill("Window 9")
    teacher.get_by_role("button", name="Pair a tablet").click()
    shown = Image.open(io.BytesIO(teacher.locator(".factor-picture img").screenshot()))
    (seen,) = zxingcpp.read_barcodes(shown)

    tablet = visit(java_script_enabled=False, viewport=PHONE)
    tablet.goto(seen.text)
    tablet.get_by_role("button", name="Yes, use it").click()
    tablet.get_by_role("button", name="Bartholomew Z.").click()
    expect(tablet).to_have_url(f"{site.address}/student")
    assert room.code not in tablet.content()

    teacher.get_by_role("link", name="Done").click()
    teacher.get_by_role("link", name="In class now").click()
    expect(teacher.get_by_text("Tablet Window 9")).to_be_visible()
    teacher.get_by_role("button", name="Sign out Bartholomew Zephyrine").click()
    tablet.goto("/student")
    tablet.get_by_role("link", name="Go back in").click()
    expect(tablet.get_by_role("button", name="Bartholomew Z.")).to_be_visible()

    teacher.get_by_role("link", name="Door", exact=True).click()
    teacher.get_by_role("button", name="Remove Window 9").click()
    tablet.goto("/join")
    expect(tablet.get_by_label("Type your class code")).to_be_visible()

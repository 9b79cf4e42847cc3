"""A page looked at as it is met: at a desk and on a phone, light and dark."""

import os
from itertools import count
from pathlib import Path

from playwright.sync_api import Page

from tests.browser.axe import DARK, NARROW, WHOLE, breaches, look_closely
from tests.browser.site import DESK, PHONE, spilled, too_low

# Where somebody who works on the pages wants to see them.
PICTURES = os.environ.get("PICTURES")
_NUMBERS = count(1)


def kept(file: bytes, name: str) -> bytes:
    """The file as it is, kept beside the pictures."""
    if PICTURES:
        (Path(PICTURES) / f"{next(_NUMBERS):02}-{name}").write_bytes(file)
    return file


def looked_at(page: Page, name: str) -> None:
    """Nothing breaks a rule of axe, is cut off, or is too low for a finger; `name` is of the pictures."""
    look_closely(page)
    number = next(_NUMBERS)
    for size, options in ((DESK, WHOLE), (PHONE, NARROW)):
        page.set_viewport_size(size)
        for scheme, wanted in (("light", options), ("dark", DARK)):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            assert breaches(page, wanted) == []
            if PICTURES:
                file = Path(PICTURES) / f"{number:02}-{name}-{size['width']}-{scheme}.png"
                page.screenshot(path=file, full_page=True)
        assert page.evaluate("document.scrollingElement.scrollWidth") <= size["width"]
        assert spilled(page) == []
    assert too_low(page) == []
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.set_viewport_size(DESK)

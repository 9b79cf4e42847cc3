"""What axe finds on a page."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WHOLE = {"resultTypes": ["violations"], "preload": False, "rules": {"target-size": {"enabled": True}}}
# What another width or other colours can change; the rest of the rules look at the markup.
NARROW = {
    "resultTypes": ["violations"],
    "preload": False,
    "runOnly": ["color-contrast", "target-size", "scrollable-region-focusable", "link-in-text-block"],
}
DARK = {"resultTypes": ["violations"], "preload": False, "runOnly": ["color-contrast", "link-in-text-block"]}


def look_closely(page: Page) -> None:
    """Load axe into the page that is open, for `breaches`."""
    page.evaluate(Axe().axe_script)


def breaches(page: Page, options: dict[str, Any]) -> list[str]:
    """What axe finds on the page, a line for each element."""
    found = page.evaluate("options => axe.run(options)", options)
    return [
        f"{violation['id']}: {node['html']} {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]

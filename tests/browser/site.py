"""What journeys share: the site, what a browser complains about, and small acts on pages."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response, ViewportSize

from backoffice import clock
from tests.factories.vouching import Vouching
from tests.factories.world import PASSWORD, Child, Class, Person, World

DESK: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
BAD_STATUS = 400
# A navigation that another one overtakes, or a download.
HARMLESS = "net::ERR_ABORTED"


@dataclass(frozen=True)
class Site:
    """A running application, with the world in its database."""

    address: str
    world: World
    app: Any
    # With which people may sign in, too.
    google: Vouching

    def serves(self, path: str) -> bool:
        """Whether the application has a page at this address."""
        return any(rule.rule == path for rule in self.app.url_map.iter_rules())


@dataclass
class Watch:
    """Collects what browsers complain about."""

    complaints: list[str] = field(default_factory=list)

    def over(self, context: BrowserContext) -> None:
        """Listen to every page of a browser profile."""
        context.on("console", self._console)
        context.on("weberror", lambda error: self.complaints.append(f"script: {error.error}"))
        context.on("response", self._response)
        context.on("requestfailed", self._failed)
        context.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        # What could not be loaded is judged by its response: an error page is a page, too.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.complaints.append(f"console: {message.text}")

    def _response(self, response: Response) -> None:
        if response.status >= BAD_STATUS and not response.request.is_navigation_request():
            self.complaints.append(f"status {response.status}: {response.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != HARMLESS:
            self.complaints.append(f"failed: {request.url} {request.failure}")

    def _request(self, request: Request) -> None:
        if request.url.endswith("/csp-reports"):
            self.complaints.append(f"violated policy: {request.post_data}")


# What a finger presses and is lower than 44 CSS pixels (WCAG 2.5.5), but for links within a sentence. A box
# is pressed by its label, and a link that covers its card by the card.
# By a little a line is higher than its letters; and a row of headings is not shown everywhere.
_SPILLED = """
() => [...document.body.querySelectorAll("*")].filter(each => {
  const style = getComputedStyle(each);
  if (each.closest("svg, thead, select, textarea, .visually-hidden, .skip-link") || !each.checkVisibility())
    return false;
  if (style.display === "inline" || style.position === "absolute" || !each.clientHeight) return false;
  if (![...each.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())) return false;
  return (style.overflowY === "visible" && each.scrollHeight > each.clientHeight + 6)
      || (style.overflowX === "visible" && each.scrollWidth > each.clientWidth + 3);
}).map(each => `${each.tagName} ${each.className}: ${each.textContent.trim().slice(0, 60)}`)
"""
_LOW = """() => [...document.querySelectorAll("a, button, summary, select, input:not([type=hidden])")]
  .filter((it) => it.checkVisibility() && !it.matches(".skip-link"))
  .filter((it) => getComputedStyle(it).display !== "inline" ||
    it.parentElement.innerText.trim() === it.innerText.trim())
  .map((it) => [it, (it.matches("[type=checkbox], [type=radio]") && it.closest("label")) ||
    (getComputedStyle(it, "::after").position === "absolute" && it.offsetParent) || it])
  .map(([it, pressed]) => [it.innerText || it.name, pressed.getBoundingClientRect()])
  .filter(([, box]) => box.width > 0 && box.height < 43.9)
  .map(([name, box]) => `${name} ${box.width}x${box.height}`)"""


def too_low(page: Page) -> list[str]:
    """What the page has for a finger that is not high enough for one."""
    found: list[str] = page.evaluate(_LOW)
    return found


def spilled(page: Page) -> list[str]:
    """What the page writes beyond the box that it stands in, over whatever comes next. Axe sees no boxes."""
    found: list[str] = page.evaluate(_SPILLED)
    return found


def hold_time(page: Page) -> None:
    """From here on the page's time moves only when the test moves it.

    A clock that is only installed goes on by itself: on a slow machine a timer may fire between two steps.
    """
    now = clock.now()
    page.clock.install(time=now)
    page.clock.pause_at(now + timedelta(seconds=1))


def status(page: Page) -> int:
    """With what the page that is open was answered."""
    found: int = page.evaluate("performance.getEntriesByType('navigation')[0].responseStatus")
    return found


def sign_in(page: Page, person: Person) -> None:
    """Sign in by the form."""
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    if person.secret:
        page.get_by_label("One-time code").fill(person.otp())
        page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/console/")


def make_class(page: Page, name: str) -> None:
    """Make a class from the list of classes; ends on its page."""
    page.goto("/console/classrooms/")
    page.get_by_role("link", name="New class").click()
    page.get_by_label("Name of the class").fill(name)
    page.get_by_role("button", name="Make the class").click()
    page.get_by_role("heading", level=1, name=name).wait_for()


def paste_names(page: Page, names: list[str]) -> None:
    """Paste a list on a class's page, look at the preview, confirm."""
    page.get_by_role("link", name=re.compile("Paste a list of names|Add students")).first.click()
    page.get_by_label("Names").fill("\n".join(names))
    page.get_by_role("button", name="Check the list").click()
    page.get_by_role("heading", name="This is what will happen").wait_for()
    page.get_by_role("button", name=f"Add {len(names)} students").click()
    page.get_by_text(f"{len(names)} students added.").wait_for()


def send_form(page: Page, button: str) -> None:
    """Press a button on a child's page, which asks for a connection before it goes on to the next one."""
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=True).click()


def follow_link(page: Page, name: str) -> None:
    """Follow a link of a child's page, which asks for a connection as well."""
    with page.expect_navigation():
        page.get_by_role("link", name=name, exact=True).click()


def join(page: Page, code: str) -> None:
    """Type a code on the children's page."""
    page.goto("/join")
    page.get_by_label("Type your class code").fill(code)
    send_form(page, "Go")


def come_in(page: Page, classroom: Class, child: Child) -> None:
    """Sign a child in by code and name."""
    join(page, classroom.code)
    page.get_by_role("button", name=label(child)).click()
    page.wait_for_url("**/student")


def label(child: Child) -> str:
    """The name as classmates see it."""
    return f"{child.given} {(child.family or '')[:1]}."


def back(page: Page) -> str:
    """Press the back button; returns all that the page then holds."""
    page.go_back()
    return page.content()

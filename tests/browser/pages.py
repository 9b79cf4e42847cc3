"""Every page of the product, as somebody meets it: with content, empty, and with an error."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.browser.site import Site, come_in, join, make_class
from tests.factories.world import PASSWORD

BAD_LIST = "Ada Lovelace\nQuartermaine, Wilhelmina\nsomebody@people.example\n123"


@dataclass(frozen=True)
class Stop:
    """A page: who looks at it, at which address, and what is done there first."""

    role: str | None = None
    path: str = ""
    act: Callable[[Page, Site], None] | None = None

    def reach(self, page: Page, site: Site) -> None:
        """Bring the browser there."""
        world = site.world
        if self.path:
            page.goto(
                self.path.format(
                    classroom=world.own_class.public_id,
                    student=world.own_class.children[0].public_id,
                    school=world.elsewhere.public_id,
                    teacher=world.people["helper"].public_id,
                    link=world.invited,
                )
            )
        if self.act:
            self.act(page, site)
        page.wait_for_load_state()


def press(name: str) -> Callable[[Page, Site], None]:
    """Press the button of this name in the page's content."""
    return lambda page, _site: page.get_by_role("main").get_by_role("button", name=name).click()


def follow(name: str) -> Callable[[Page, Site], None]:
    """Follow the link of this name in the page's content."""
    return lambda page, _site: page.get_by_role("main").get_by_role("link", name=name).first.click()


def sign_in_wrongly(page: Page, _site: Site) -> None:
    """A password that is not right."""
    page.get_by_label("E-mail").fill("teacher@people.example")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in", exact=True).click()


def sign_in_empty(page: Page, _site: Site) -> None:
    """Neither address nor password."""
    page.get_by_role("button", name="Sign in", exact=True).click()


def paste(text: str) -> Callable[[Page, Site], None]:
    """Have a list of names checked."""

    def pasted(page: Page, _site: Site) -> None:
        page.get_by_label("Names").fill(text)
        page.get_by_role("button", name="Check the list").click()

    return pasted


def look_for(words: str) -> Callable[[Page, Site], None]:
    """Search a list."""

    def looked(page: Page, _site: Site) -> None:
        page.get_by_role("searchbox").fill(words)
        page.keyboard.press("Enter")
        page.wait_for_url("**/search")

    return looked


def take_out(page: Page, _site: Site) -> None:
    """Ask to take everybody out of a class."""
    page.get_by_role("checkbox", name="Select all rows of this page").check()
    page.get_by_role("button", name="Take out of this class").click()


def clear_and_save(page: Page, _site: Site) -> None:
    """Save a form without its first field."""
    page.get_by_role("main").get_by_role("textbox").first.fill("")
    page.get_by_role("button", name="Save", exact=True).click()


def choose_every_day(page: Page, _site: Site) -> None:
    """Ask for every day without a time of day."""
    page.get_by_role("radio", name="Every day").check()
    page.get_by_role("button", name="Save", exact=True).click()


def child(page: Page, site: Site) -> None:
    """Come in as a child with points."""
    come_in(page, site.world.own_class, site.world.own_class.children[0])


def leave(page: Page, site: Site) -> None:
    """Come in as a child and go."""
    child(page, site)
    page.get_by_role("button", name="I am done").click()


def asked_for_code(page: Page, site: Site) -> None:
    """Sign in with the password, as somebody with a second factor."""
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(site.world.people["founder"].email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("heading", name="One more step").wait_for()


def wrong_code(page: Page, site: Site) -> None:
    """A one-time code that is not right."""
    asked_for_code(page, site)
    page.get_by_label("One-time code").fill("000000")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_text("This code does not work").first.wait_for()


def wrong_first_code(page: Page, site: Site) -> None:
    """A code that the app that is being set up does not show."""
    press("Set up another app")(page, site)
    page.get_by_label("One-time code").fill("12345")
    page.get_by_role("button", name="Confirm").click()


def prove_wrongly(page: Page, _site: Site) -> None:
    """A password that is not right, of somebody who is signed in."""
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Go on").click()


def send_no_passkey(page: Page, _site: Site) -> None:
    """Send what is no passkey, and without a name."""
    send = "form => { form.elements.answer.value = '{'; form.submit(); }"
    page.locator("form[action='/account/passkeys']").evaluate(send)
    page.get_by_text("Please look at this again").wait_for()


FACTOR = "/account/second-factor"
PASSKEYS = "/account/passkeys"
CLASS = "/console/classrooms/{classroom}"
PAGES: Mapping[str, Stop] = {
    "home": Stop(path="/"),
    "sign-in": Stop(path="/sign-in"),
    "sign-in, wrong": Stop(path="/sign-in", act=sign_in_wrongly),
    "sign-in, empty": Stop(path="/sign-in", act=sign_in_empty),
    "sign-in, code": Stop(act=asked_for_code),
    "sign-in, wrong code": Stop(act=wrong_code),
    "account": Stop("teacher", "/account"),
    "password once more": Stop("teacher", "/account/prove"),
    "password once more, wrong": Stop("teacher", "/account/prove", prove_wrongly),
    "second factor, none": Stop("teacher", FACTOR),
    "second factor": Stop("founder", FACTOR),
    "second factor, an app": Stop("founder", FACTOR, press("Set up another app")),
    "second factor, a wrong code": Stop("founder", FACTOR, wrong_first_code),
    "recovery codes": Stop("founder", FACTOR, press("Make new recovery codes")),
    "passkeys, none": Stop("teacher", PASSKEYS),
    "passkeys, error": Stop("teacher", PASSKEYS, send_no_passkey),
    "passkeys": Stop("founder", PASSKEYS),
    "my account, with a passkey": Stop("founder", "/account"),
    "password or passkey once more": Stop("founder", "/account/prove"),
    "error 404": Stop(path="/nowhere"),
    **{f"error {status}": Stop(path=f"/broken/{status}") for status in (413, 429, 500, 503, 504)},
    "error 404, switched off": Stop("teacher", "/broken/404"),
    "error 429, signed in": Stop("teacher", "/broken/429"),
    "trust": Stop(path="/trust"),
    "report": Stop(path="/report"),
    "code": Stop(path="/join"),
    "code, wrong": Stop(act=lambda page, _site: join(page, "WRONG")),
    "names": Stop(act=lambda page, site: join(page, site.world.own_class.code)),
    "student": Stop(act=child),
    "goodbye": Stop(act=leave),
    "child, no such page": Stop(path="/student/nowhere"),
    "child, to wait": Stop(path="/student/broken/503"),
    "child, a defect": Stop(path="/student/broken/500"),
    "family": Stop("parent", "/family"),
    "nothing shared": Stop("alone", "/welcome"),
    "home, signed in": Stop("teacher", "/"),
    "error 404, signed in": Stop("teacher", "/nowhere"),
    "dashboard": Stop("teacher", "/console/"),
    "classes": Stop("teacher", "/console/classrooms/"),
    "class": Stop("teacher", CLASS),
    "class, empty": Stop("teacher", act=lambda page, _site: make_class(page, "Empty Eels")),
    "class on the board": Stop("teacher", CLASS, press("Show it big")),
    "new class": Stop("teacher", "/console/classrooms/new"),
    "new class, error": Stop("teacher", "/console/classrooms/new", press("Make the class")),
    "new class, several schools": Stop("leader", "/console/classrooms/new"),
    "edit class, error": Stop("teacher", CLASS + "/edit", clear_and_save),
    "paste": Stop("teacher", CLASS + "/paste"),
    "paste, nothing": Stop("teacher", CLASS + "/paste", press("Check the list")),
    "paste, preview": Stop("teacher", CLASS + "/paste", paste(BAD_LIST)),
    "paste, problems only": Stop("teacher", CLASS + "/paste", paste("123")),
    "students": Stop("teacher", "/console/students/"),
    "students of a class": Stop("teacher", "/console/students/?classroom={classroom}"),
    "students, nothing found": Stop("teacher", "/console/students/", look_for("nobody")),
    "take out of class": Stop("teacher", "/console/students/?classroom={classroom}", take_out),
    "a student": Stop("teacher", "/console/students/{student}"),
    "edit student": Stop("teacher", "/console/students/{student}/edit"),
    "edit student, error": Stop("teacher", "/console/students/{student}/edit", clear_and_save),
    "class, as a helper": Stop("helper", CLASS),
    "dashboard, empty": Stop("newcomer", "/console/"),
    "classes, empty": Stop("newcomer", "/console/classrooms/"),
    "dashboard, leader": Stop("leader", "/console/"),
    "classes, leader": Stop("leader", "/console/classrooms/"),
    "classes of a school": Stop("leader", "/console/classrooms/?school={school}"),
    "classes of a teacher": Stop("leader", "/console/classrooms/?teacher={teacher}"),
    "schools, leader": Stop("leader", "/console/schools/"),
    "teachers": Stop("leader", "/console/teachers/"),
    "a teacher": Stop("leader", "/console/teachers/{teacher}"),
    "the end of a place": Stop("leader", "/console/teachers/{teacher}/leave"),
    "invitations": Stop("leader", "/console/invitations/"),
    "invite somebody": Stop("leader", "/console/invitations/new"),
    "invite somebody, error": Stop("leader", "/console/invitations/new", press("Send the invitation")),
    "an invitation": Stop(path="/invitations/{link}"),
    "an invitation, error": Stop(path="/invitations/{link}", act=press("Accept and sign in")),
    "an invitation for another": Stop("teacher", "/invitations/{link}"),
    "an invitation that is over": Stop(path=f"/invitations/{'x' * 43}"),
    "dashboard, officer": Stop("officer", "/console/"),
    "dashboard, founder": Stop("founder", "/console/"),
    "schools": Stop("founder", "/console/schools/"),
    "rosters": Stop("leader", "/console/rosters/"),
    "a roster": Stop("leader", "/console/rosters/", follow("Home Hollow School")),
    "bring in a roster": Stop("leader", "/console/rosters/new"),
    "bring in a roster, error": Stop("leader", "/console/rosters/new", press("Check and bring in")),
    "plugins": Stop("founder", "/console/plugins/"),
    "a plugin": Stop("founder", "/console/plugins/trust"),
    "a plugin, to be switched off": Stop("founder", "/console/plugins/trust/switch"),
    "a plugin, without a reason": Stop("founder", "/console/plugins/trust/switch", press("Switch off")),
    "mail": Stop("founder", "/console/outbox/"),
    "mail, none of a kind": Stop("founder", "/console/outbox/?state=sent"),
    "jobs": Stop("founder", "/console/jobs/"),
    "a job": Stop("founder", "/console/jobs/trust.check"),
    "a job that has not run": Stop("founder", "/console/jobs/core.forget-jobs"),
    "a job, asked to run": Stop("founder", "/console/jobs/trust.check", press("Run now")),
    "a job's time": Stop("founder", "/console/jobs/trust.check/time"),
    "a job's time, error": Stop("founder", "/console/jobs/trust.check/time", choose_every_day),
}

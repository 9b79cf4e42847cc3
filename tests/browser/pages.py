"""Every page of the product, as somebody meets it: with content, empty, and with an error."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_hex

from flask import Flask
from playwright.sync_api import Page
from sqlalchemy import insert, select

from backoffice import clock
from backoffice.access.principal import Nobody
from backoffice.access.transaction import transaction
from backoffice.accounts.care.models import FactorReset, ResetState
from backoffice.accounts.models import Account, LinkPurpose
from backoffice.accounts.services import letters
from backoffice.accounts.tokens import token_digest
from backoffice.changes.models import ClassroomChange
from backoffice.fields.models import FieldSubject
from backoffice.messages.models import Message
from backoffice.privacy.holdings import Subject
from backoffice.problems import Throttled
from backoffice.schools.models import Door, NamesShown
from backoffice.schools.services import archiving, classrooms
from backoffice.schools.services.doors import set_door
from backoffice.schools.services.showing import show_as
from backoffice.settings import Throttles
from backoffice.storage import functions
from backoffice.storage.public_id import new_public_id
from backoffice.students import tablets
from backoffice.students.pins import networks
from backoffice.students.pins.counting import PIN, by_strangers
from backoffice.students.pins.services import by_student
from backoffice.throttles.tries import take
from backoffice.throttles.visitor import Visitor
from plugins.exports.content import Scope
from plugins.retention.models import IdleAccount
from tests.browser.site import Site, come_in, follow_link, join, label, make_class, paste_names, send_form
from tests.browser.site_map import endpoint_of
from tests.factories.world import (
    DRILL,
    NEW_ADDRESS_LINK,
    NOTICE,
    OFFERED,
    PASSWORD,
    SIGN_UP_LINK,
    SYSTEM,
    TAKE_BACK_LINK,
    TOLD,
    World,
    custom_field,
    give_pin,
    told_by_notice,
)
from tests.plugins.exports.content.conftest import opened

BAD_LIST = "Ada Lovelace\nQuartermaine, Wilhelmina\nsomebody@people.example\n123"


@dataclass(frozen=True)
class Stop:
    """A page: who looks at it, at which address, and what is done there first.

    `at` is the endpoint to which that leads, where it is a page of the site map and not the one at `path`;
    empty where the address opens nothing.
    """

    role: str | None = None
    path: str = ""
    act: Callable[[Page, Site], None] | None = None
    at: str | None = None

    def address(self, world: World) -> str:
        """Where the browser goes first; empty where all is done by `act`."""
        return self.path.format(
            classroom=world.own_class.public_id,
            student=world.own_class.children[0].public_id,
            school=world.elsewhere.public_id,
            home=world.home.public_id,
            district=world.district,
            teacher=world.people["helper"].public_id,
            link=world.invited,
            family_link=world.family_invited,
            letter=world.letter,
            card=world.card,
            colleagues=world.colleague_class.public_id,
        )

    def reach(self, page: Page, site: Site) -> None:
        """Bring the browser there."""
        if self.path:
            page.goto(self.address(site.world))
        if self.act:
            self.act(page, site)
        page.wait_for_load_state()

    def shows(self, app: Flask, world: World) -> str | None:
        """The endpoint whose page this is; None where something was done that `at` does not tell of."""
        if self.act or self.at is not None:
            return self.at or None
        return endpoint_of(app, self.address(world))


def press(name: str) -> Callable[[Page, Site], None]:
    """Press the button of this name in the page's content."""
    return lambda page, _site: page.get_by_role("main").get_by_role("button", name=name).click()


def open_message(page: Page, site: Site) -> None:
    """Read something that somebody was told, on the page of its own."""
    with transaction(SYSTEM) as tx:
        mine = select(Message.public_id).where(Message.account_id == site.world.people["teacher"].id)
        page.goto(f"/messages/{tx.scalars(mine.order_by(Message.id)).first()}")


def follow(name: str) -> Callable[[Page, Site], None]:
    """Follow the link of this name in the page's content."""
    return lambda page, _site: page.get_by_role("main").get_by_role("link", name=name).first.click()


def pass_on(page: Page, site: Site) -> None:
    """Begin to pass on what a child told."""
    follow("Somebody is mean to me")(page, site)
    follow("Pass on what is wrong")(page, site)


def pass_on_nothing(page: Page, site: Site) -> None:
    """Pass on without a word."""
    pass_on(page, site)
    press("Pass it on")(page, site)


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


def save_view(page: Page, name: str) -> None:
    """Keep a list as it is shown, under a name."""
    page.get_by_text("Save this view", exact=True).click()
    page.get_by_label("Name of the view").fill(name)
    page.get_by_role("button", name="Save the view").click()
    page.get_by_role("navigation", name="Views of").get_by_role("link", name=name).first.wait_for()


def change_view(page: Page, _site: Site) -> None:
    """Ask for something else than a view does."""
    page.goto("/console/students/?sort=-name")
    save_view(page, f"Backwards {token_hex(4)}")
    page.goto(f"{page.url}&columns=name")
    page.get_by_text("Changed", exact=True).wait_for()


def share_view(page: Page, _site: Site) -> None:
    """Look at a view that can be shared."""
    save_view(page, f"Shared {token_hex(4)}")
    page.get_by_role("link", name="Change this view").click()
    page.get_by_role("heading", name="Share it").wait_for()


def delete_view(page: Page, site: Site) -> None:
    """Ask to delete a view."""
    follow("Change")(page, site)
    page.get_by_role("link", name="Delete this view").click()
    page.get_by_role("heading", name="Delete this view").wait_for()


def save_nameless(page: Page, _site: Site) -> None:
    """Save a view without a name."""
    page.get_by_text("Save this view", exact=True).click()
    page.locator("#view-name").evaluate("it => { it.required = false; }")
    page.get_by_role("button", name="Save the view").click()
    page.get_by_text("Give the view a name.").first.wait_for()


def look_at_list(page: Page, site: Site) -> None:
    """Paste rows of each kind, and see what would happen with them."""
    room = site.world.own_class
    first, second = room.children
    rows = (
        ("ID", "Name", "Class", "Birthday"),
        (first.public_id, f"Willa {first.family}", room.name, "1.1.2016"),
        ("", f"{second.given} {second.family}", room.name, ""),
        ("", "Zora Newcomer", room.name, ""),
        ("", "Nobody Known", "No such class", ""),
    )
    page.get_by_label("Or paste rows").fill("\n".join("\t".join(row) for row in rows))
    page.get_by_role("button", name="Check the list").click()
    page.get_by_role("heading", name="This is what will happen").wait_for()


def look_at_classes(page: Page, _site: Site) -> None:
    """Bring a list that names a new class twice, and look at what would happen."""
    page.get_by_label("Or paste rows").fill("Class\nNew Newts\nNew Newts\n")
    page.get_by_role("button", name="Check the list").click()
    page.get_by_role("heading", name="This is what will happen").wait_for()


def look_at_export(page: Page, site: Site) -> None:
    """Bring an export back of which the class is here still, and look at what would come in."""
    room = site.world.own_class
    packed = opened(Scope(Subject.CLASSROOM, room.id, room.public_id)).packed
    page.get_by_label("Export", exact=True).set_input_files(
        {"name": "export.zip", "mimeType": "application/zip", "buffer": packed}
    )
    page.get_by_role("button", name="Look at what comes in").click()
    page.get_by_role("heading", name="This comes in").wait_for()


def bring_no_export(page: Page, _site: Site) -> None:
    """Bring a file that is no export."""
    page.get_by_label("Export", exact=True).set_input_files(
        {"name": "export.zip", "mimeType": "application/zip", "buffer": b"no export"}
    )
    page.get_by_role("button", name="Look at what comes in").click()
    page.get_by_text("Nothing was brought in").wait_for()


def look_at_both(page: Page, _site: Site) -> None:
    """Choose somebody with whom a student is merged."""
    page.get_by_label("Find another by name").fill("Bar")
    page.get_by_role("button", name="Find").click()
    page.get_by_label("Bartholomew").check()
    page.get_by_role("button", name="Look at both").click()


def open_the_first(page: Page, _site: Site) -> None:
    """See the students of the first class."""
    page.locator("summary").first.click()


def pair_tablet(page: Page, _site: Site) -> None:
    """Have the picture shown that pairs a tablet."""
    page.get_by_label("Name of the tablet").fill("Window 1")
    page.get_by_role("button", name="Pair a tablet").click()


def move_everybody(page: Page, _site: Site) -> None:
    """Ask to move everybody to another class."""
    page.get_by_role("checkbox", name="Select all rows of this page").check()
    page.get_by_role("button", name="Move to another class").click()
    page.get_by_role("heading", level=1, name="Move to another class").wait_for()


def add_and_look(page: Page, _site: Site) -> None:
    """Add a student, and see what can be undone and how the class is marked."""
    make_class(page, "Marked Martens")
    page.get_by_role("link", name="Manage").click()
    page.get_by_role("radio", name="Owl").check()
    page.get_by_role("radio", name="Plum").check()
    page.get_by_role("button", name="Save the mark").click()
    paste_names(page, ["Martin Marten", "Martha Marten"])
    page.get_by_role("button", name="Undo").wait_for()


def archived(page: Page, site: Site) -> None:
    """A class that was put away."""
    teacher = site.world.sign_in("teacher")
    room = classrooms.create_classroom(
        principal=teacher, school=site.world.home.public_id, name="Archived Auks"
    )
    archiving.archive_classroom(principal=teacher, classroom=room)
    page.goto(f"/console/classrooms/{room}")
    page.get_by_text("This class is archived").wait_for()


def begin_lesson(page: Page, _site: Site) -> None:
    """Give the class a code for a lesson."""
    page.get_by_role("button", name=re.compile("Make a")).first.click()


def see_who_is_in(page: Page, site: Site) -> None:
    """Look at a class in which a child is."""
    room = site.world.own_class
    site.world.student(room, room.children[0])
    page.goto(f"/console/classrooms/{room.public_id}/live")


def at_a_tablet(page: Page, site: Site) -> None:
    """Bring the browser to a picture that pairs a tablet."""
    teacher, room = site.world.sign_in("teacher"), site.world.own_class
    picture = tablets.begin_pairing(principal=teacher, classroom=room.public_id, label="Window 2")
    page.goto(f"/tablet/{picture}")


def before_a_closed_door(page: Page, site: Site) -> None:
    """Pair a tablet with a class whose door is closed."""
    teacher, room = site.world.sign_in("colleague"), site.world.colleague_class
    picture = tablets.begin_pairing(principal=teacher, classroom=room.public_id, label="Window 3")
    page.goto(f"/tablet/{picture}")
    set_door(principal=teacher, classroom=room.public_id, door=Door.CLOSED)
    page.get_by_role("button", name="Yes, use it").click()
    page.get_by_text("Ask your teacher to open it.").wait_for()
    set_door(principal=teacher, classroom=room.public_id, door=Door.OPEN)


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


def open_filters(page: Page, _site: Site) -> None:
    """See what a list can be narrowed by, beside what it is narrowed by."""
    page.get_by_text("Filters and columns").click()
    page.get_by_role("group", name="Columns").wait_for()


def open_exports(page: Page, _site: Site) -> None:
    """See as what a list can be taken out."""
    page.locator("summary", has_text="Export").click()
    page.get_by_role("link", name="Excel").wait_for()


def end_links(page: Page, _site: Site) -> None:
    """Ask to end the links of all parents."""
    page.get_by_role("checkbox", name="Select all rows of this page").check()
    page.get_by_role("button", name="End the link").click()


def open_keep_link(page: Page, site: Site) -> None:
    """Open the link of a warning that nobody uses the account."""
    token = token_hex(22)[:43]
    with transaction(SYSTEM) as tx:
        number = site.world.people["colleague"].id
        tx.merge(IdleAccount(account_id=number, keep_digest=token_digest(token)))
    page.goto(f"/keep/{token}")


def put_no_mark_back(page: Page, _site: Site) -> None:
    """Give the class a mark, then want the one that it had before: none. No link leads there."""
    with page.expect_navigation():
        page.get_by_role("button", name="Save the mark").click()
    with transaction(SYSTEM) as tx:
        newest = select(ClassroomChange.public_id).order_by(ClassroomChange.id.desc()).limit(1)
        change = tx.scalars(newest).one()
    page.goto(f"/console/changes/classroom/{change}")
    page.get_by_role("button", name="Put back").click()


def open_a_cell(page: Page, _site: Site) -> None:
    page.get_by_role("link", name="Correct a name").first.click()
    page.get_by_label("Given name").wait_for()


def clear_and_save(page: Page, _site: Site) -> None:
    """Save a form without its first field."""
    page.get_by_role("main").get_by_role("textbox").first.fill("")
    page.get_by_role("button", name="Save", exact=True).click()


def choose_every_day(page: Page, _site: Site) -> None:
    """Ask for every day without a time of day."""
    page.get_by_role("radio", name="Every day").check()
    page.get_by_role("button", name="Save", exact=True).click()


def set_wrongly(page: Page, _site: Site) -> None:
    """Ask for more hours than there may be; Return saves."""
    page.get_by_label("Uploads wait at most").fill("99")
    page.get_by_label("Uploads wait at most").press("Enter")


def back_to_default(page: Page, site: Site) -> None:
    """Fill in a default again where something else was typed."""
    set_wrongly(page, site)
    page.get_by_role("button", name="Use the default of Uploads wait at most").click()


def wrong_class_code(page: Page, _site: Site) -> None:
    """A code that no class has."""
    join(page, "WRONG")
    page.get_by_role("alert").wait_for()


def names_to_pick(page: Page, site: Site) -> None:
    """Type the code of a class."""
    join(page, site.world.own_class.code)
    page.get_by_role("heading", name="Who are you?").wait_for()


def child(page: Page, site: Site) -> None:
    """Come in as a child with points."""
    come_in(page, site.world.own_class, site.world.own_class.children[0])


def tell(page: Page, site: Site) -> None:
    """Look at what a child can tell."""
    child(page, site)
    page.goto("/student/tell")


def tell_too_much(page: Page, site: Site) -> None:
    """Tell more than fits, past the limit of the field."""
    tell(page, site)
    page.get_by_text("Write something, too").click()
    page.get_by_label("You can write here").evaluate("it => { it.removeAttribute('maxlength'); }")
    page.get_by_label("You can write here").fill("Long " * 101)
    send_form(page, "Something else")


def tell_later(page: Page, site: Site) -> None:
    """Tell something in words, and not be in any more."""
    tell(page, site)
    page.get_by_text("Write something, too").click()
    page.get_by_label("You can write here").fill("It was behind the shed")
    page.context.clear_cookies(name="student")
    send_form(page, "I saw something strange")


def told(page: Page, site: Site) -> None:
    """Tell something, in two taps."""
    child(page, site)
    follow_link(page, "Tell someone")
    page.get_by_role("button", name="I saw something strange").click()
    page.wait_for_url("**/student/told")


def answer_nothing(page: Page, site: Site) -> None:
    """Answer a parent without a word."""
    follow("Please correct something")(page, site)
    page.get_by_role("button", name="Answer the parent").click()


def asked_for_pin(page: Page, site: Site) -> None:
    """Choose the name of a child who has a PIN."""
    classroom = site.world.elsewhere_class
    give_pin(classroom.children[0], "4937")
    join(page, classroom.code)
    page.get_by_role("button", name=label(classroom.children[0])).click()
    page.get_by_label("Type your secret number").wait_for()


def wrong_pin(page: Page, site: Site) -> None:
    """A PIN that is not right."""
    asked_for_pin(page, site)
    page.get_by_label("Type your secret number").fill("6158")
    send_form(page, "Go")
    page.get_by_role("alert").wait_for()


def shown_as(how: NamesShown, after: Callable[[Page], None] | None = None) -> Callable[[Page, Site], None]:
    """Type the code of a class that shows its children in another way for the moment."""

    def joined(page: Page, site: Site) -> None:
        room = site.world.elsewhere_class
        who = site.world.sign_in("elsewhere")
        show_as(principal=who, classroom=room.public_id, how=how)
        try:
            join(page, room.code)
            page.get_by_role("heading", name="Who are you?").wait_for()
            if after:
                after(page)
        finally:
            show_as(principal=who, classroom=room.public_id, how=NamesShown.NAMES)

    return joined


def a_wrong_username(page: Page) -> None:
    """A username that nobody has."""
    page.get_by_label("Your username").fill("nobody")
    page.get_by_role("button", name="Go").click()
    page.get_by_role("alert").wait_for()


def own_pin(page: Page, site: Site) -> None:
    """Come in with a PIN, and look at it."""
    asked_for_pin(page, site)
    page.get_by_label("Type your secret number").fill("4937")
    page.get_by_role("button", name="Go").click()
    follow_link(page, "My secret number")
    page.get_by_role("heading", name="My secret number").wait_for()


def first_pin(page: Page, site: Site) -> None:
    """Come in without a PIN, and ask for one."""
    child(page, site)
    follow_link(page, "My secret number")


def weak_pin(page: Page, site: Site) -> None:
    """A PIN that is too easy."""
    first_pin(page, site)
    page.get_by_label("Four new numbers").fill("1234")
    page.get_by_role("button", name="Keep it").click()
    page.get_by_role("alert").wait_for()


def lesson_over(page: Page, site: Site) -> None:
    """Come in, have the door closed, and look again."""
    room, who = site.world.elsewhere_class, site.world.sign_in("elsewhere")
    come_in(page, room, room.children[0])
    set_door(principal=who, classroom=room.public_id, door=Door.CLOSED)
    page.reload()
    set_door(principal=who, classroom=room.public_id, door=Door.OPEN)
    page.get_by_role("heading", name="The lesson is over").wait_for()


def alias_with_signs(page: Page, _site: Site) -> None:
    """An alias that is none."""
    page.get_by_label("Alias of Wilhelmina").fill("a@b.example")
    page.get_by_role("button", name="Save", exact=True).click()


def leave(page: Page, site: Site) -> None:
    """Come in as a child and go."""
    child(page, site)
    send_form(page, "I am done")


def asked_for_code(page: Page, site: Site) -> None:
    """Sign in with the password, as somebody with a second factor."""
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(site.world.people["founder"].email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("heading", name="One more step").wait_for()


def code_once_more(page: Page, site: Site) -> None:
    """Look at the second step of signing in again."""
    asked_for_code(page, site)
    page.goto("/sign-in/code")


def with_mailed_link(purpose: LinkPurpose, path: str) -> Callable[[Page, Site], None]:
    """Follow a link that was mailed to the leader."""

    def followed(page: Page, site: Site) -> None:
        with transaction(SYSTEM) as tx:
            leader = tx.scalars(select(Account).where(Account.id == site.world.people["leader"].id)).one()
            token, _until = letters.make_link(tx, leader, purpose, timedelta(minutes=30))
        page.goto(f"{path}/{token}")

    return followed


def without_password(page: Page, site: Site) -> None:
    """Choose no new password, by a link."""
    with_mailed_link(LinkPurpose.RESET, "/reset")(page, site)
    page.get_by_role("button", name="Set the new password").click()


def factor_to_keep(page: Page, site: Site) -> None:
    """Follow the link of a mail about a lost second factor."""
    token = token_hex(21) + "x"
    with transaction(SYSTEM) as tx:
        tx.execute(
            insert(FactorReset).values(
                id=tx.take_id(FactorReset),
                account_id=site.world.people["founder"].id,
                state=ResetState.WAITING,
                token_digest=token_digest(token),
                asked_at=clock.now(),
            )
        )
    page.goto(f"/keep-my-factor/{token}")


def set_then_put_back(page: Page, _site: Site) -> None:
    """Set a plugin otherwise, then want it as it was."""
    page.get_by_label("Uploads wait at most").fill("7")
    page.get_by_role("button", name="Save", exact=True).click()
    page.goto("/console/plugins/rosters/settings")
    page.get_by_role("link", name="Put back").first.click()


def put_action_back(page: Page, site: Site) -> None:
    """Want an Action as it was."""
    follow("Praise of the")(page, site)
    page.get_by_role("heading", name="Last changes").wait_for()
    follow("Put back")(page, site)


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


def find_nobody(page: Page, _site: Site) -> None:
    """An address that no account has."""
    page.get_by_role("main").get_by_label("E-mail address").fill("nobody@people.example")
    page.get_by_role("button", name="Find it").click()


def close_an_event(page: Page, site: Site) -> None:
    """Want to close an event."""
    follow("Somebody guesses")(page, site)
    follow("Close it with a note")(page, site)


def close_without_note(page: Page, site: Site) -> None:
    """Close an event and say nothing of what was found."""
    close_an_event(page, site)
    page.get_by_role("button", name="Close it").click()


def close_a_report(page: Page, site: Site) -> None:
    """Want to close a report."""
    follow("A message or page")(page, site)
    follow("Close it with what it was")(page, site)


def close_report_without_note(page: Page, site: Site) -> None:
    """Close a report and say nothing of what was found."""
    close_a_report(page, site)
    page.get_by_role("button", name="Close the report").click()


def at_incident(*then: str) -> Callable[[Page, Site], None]:
    """Open the incident, and follow or press what has these names there."""

    def _act(page: Page, site: Site) -> None:
        follow("Narwhal at large")(page, site)
        main = page.get_by_role("main")
        for name in then:
            # Whichever comes: asked at once, the page may not be there yet.
            main.get_by_role("link", name=name).or_(main.get_by_role("button", name=name)).first.click()

    return _act


def contract_without_hours(page: Page, _site: Site) -> None:
    """Say that a contract has hours of its own, and not how many."""
    page.get_by_label("What it asks").select_option("contract-hours")
    page.get_by_role("button", name="Save what it asks").click()


def told_of_incident(page: Page, site: Site) -> None:
    """A school was told of an incident by a notice; the list as it is then."""
    with transaction(SYSTEM) as tx:
        told_by_notice(tx, site.world.people["founder"], site.world.home)
    page.reload()


def look_at_what_was_told(page: Page, site: Site) -> None:
    """The page of what a school was told of."""
    told_of_incident(page, site)
    page.get_by_role("main").get_by_role("link", name=TOLD).first.click()


def at_drill(*then: str) -> Callable[[Page, Site], None]:
    """Look how the drill goes, and follow or press what has these names there."""

    def _act(page: Page, site: Site) -> None:
        follow(DRILL)(page, site)
        follow("The drill")(page, site)
        for name in then:
            link = page.get_by_role("main").get_by_role("link", name=name)
            (link if link.count() else page.get_by_role("main").get_by_role("button", name=name)).click()

    return _act


def write_a_link(page: Page, site: Site) -> None:
    """Write a notice with a link in it, which no notice may have."""
    at_incident("Notices", "Staff")(page, site)
    page.get_by_role("main").get_by_role("textbox").first.fill("Look at https://narwhal.example")
    page.get_by_role("button", name="Save the draft").click()


def require_without_own(page: Page, _site: Site) -> None:
    """Require of everybody what one does not have oneself."""
    page.get_by_role("checkbox", name="Leaders and teachers").check()
    page.get_by_role("button", name="Save", exact=True).click()


def without_days(page: Page, _site: Site) -> None:
    """Take the tick off each day."""
    for day in page.get_by_role("group", name="Days with lessons").get_by_role("checkbox").all():
        day.uncheck()
    page.get_by_role("button", name="Save", exact=True).click()


def ask_for_diagnoses(page: Page, _site: Site) -> None:
    """Make a field of what laws protect more than other data."""
    page.get_by_label("Name").fill("Diagnosis")
    page.get_by_label("What you need it for").fill("So that teachers know how to help")
    page.get_by_label("How many days").fill("365")
    page.get_by_role("button", name="Save").click()


def to_delete_a_field(page: Page, _site: Site) -> None:
    """Go to where a field is deleted."""
    page.get_by_role("main").get_by_role("link", name="Quokka").first.click()
    page.get_by_role("link", name="Delete this field for good").click()


def delete_a_field(page: Page, site: Site) -> None:
    """Delete a field that is there for this alone."""
    name = f"Emu shelf {token_hex(4)}"
    with transaction(SYSTEM) as tx:
        custom_field(tx, site.world.home, FieldSubject.CLASSROOM, name=name)
    page.reload()
    page.get_by_role("main").get_by_role("link", name=name).click()
    page.get_by_role("link", name="Delete this field for good").click()
    page.get_by_label("to confirm").fill(name)
    page.get_by_role("button", name="Delete for good").click()


def send_no_passkey(page: Page, _site: Site) -> None:
    """Send what is no passkey, and without a name."""
    send = "form => { form.elements.answer.value = '{'; form.submit(); }"
    page.locator("form[action='/account/passkeys']").evaluate(send)
    page.get_by_text("Please look at this again").wait_for()


def from_nowhere(page: Page, _site: Site) -> None:
    """Ask for a domain that one does not come from."""
    page.get_by_label("Domain").fill("home.example")
    page.get_by_role("button", name="Save", exact=True).click()


def nobodys_address(page: Page, _site: Site) -> None:
    """Name a person where an address is asked for."""
    page.get_by_label("Security contact").fill("Ms Home")
    page.get_by_role("button", name="Save", exact=True).click()


def award_everybody(page: Page, _site: Site) -> None:
    """Give the whole class points."""
    page.get_by_role("radio", name="Whole class").check()
    page.get_by_role("button", name="Praise of the").first.click()
    page.get_by_text("the whole class (").wait_for()


def without_actions(page: Page, _site: Site) -> None:
    """A new class with a child, and nothing to award yet."""
    make_class(page, "Empty Emus")
    page.goto(f"{page.url}/paste")
    page.get_by_label("Names").fill("Ernest Emu")
    page.get_by_role("button", name="Check the list").click()
    page.get_by_role("button", name="Add 1 student").click()
    page.get_by_role("link", name="Points", exact=True).click()
    page.get_by_role("button", name="Start with these").wait_for()


def aim_at_nothing(page: Page, _site: Site) -> None:
    """A goal of no points for everybody."""
    page.get_by_label("The same for everybody").fill("0")
    page.get_by_role("button", name="Set for all").click()
    page.get_by_text("A goal is a whole number").first.wait_for()


def cards_and_pins(page: Page, site: Site) -> None:
    """The page of a class with PINs, one of them locked, and after something was done."""
    classroom = site.world.elsewhere_class
    for each in classroom.children:
        give_pin(each, "4937")
    for _ in range(5):
        by_student(classroom.children[0].id, Throttles()).take()
    # And what the class shares, as far as it is not yet.
    with suppress(Throttled):
        for _ in range(40):
            take(by_strangers(PIN, classroom.id, Throttles()))
    lock_network(site, "127.0.0.1")
    page.goto(f"/console/classrooms/{classroom.public_id}/cards")
    page.get_by_role("button", name="Ask each child for a PIN").or_(
        page.get_by_role("button", name="Leave it to each child")
    ).click()


def lock_network(site: Site, *addresses: str) -> None:
    """Have networks refused at a class of the school elsewhere."""
    now = clock.now()
    for address in addresses:
        with transaction(Nobody(address)) as tx:
            functions.note_locked_network(
                tx,
                classroom_id=site.world.elsewhere_class.id,
                network=networks.tag(Visitor(address)),
                public_id=new_public_id(),
                at=now,
                until=now + timedelta(hours=20),
            )


def locked_networks(page: Page, site: Site) -> None:
    """The own network and another one, both locked."""
    lock_network(site, "127.0.0.1", "198.51.100.9")
    page.goto("/console/locked-networks/")


FACTOR = "/account/second-factor"
PASSKEYS = "/account/passkeys"
CLASS = "/console/classrooms/{classroom}"
NOTHING = ""
INCIDENTS = "/console/incidents/"
SCOPE = "Find whom it is about"
PAGES: Mapping[str, Stop] = {
    "home": Stop(path="/"),
    "sign-in": Stop(path="/sign-in"),
    "sign-in, wrong": Stop(path="/sign-in", act=sign_in_wrongly),
    "sign-in, empty": Stop(path="/sign-in", act=sign_in_empty),
    "sign-in, a code": Stop(act=asked_for_code),
    "code to sign in": Stop(act=code_once_more, at="accounts.sign_in_by_code"),
    "code to sign in, wrong": Stop(act=wrong_code),
    "sign-up": Stop(path="/sign-up"),
    "sign-up, empty": Stop(path="/sign-up", act=press("Mail me a link")),
    "link to sign up": Stop(path="/sign-up/sent"),
    "password to sign up": Stop(path=f"/sign-up/{SIGN_UP_LINK}"),
    "password to sign up, empty": Stop(path=f"/sign-up/{SIGN_UP_LINK}", act=press("Open my account")),
    "password to sign up, over": Stop(path=f"/sign-up/{'x' * 43}"),
    "another address": Stop("teacher", "/account/email"),
    "another address, empty": Stop("teacher", "/account/email", press("Mail me a link")),
    "confirm another address": Stop("leader", f"/account/email/{NEW_ADDRESS_LINK}"),
    "take back": Stop(path=f"/take-back/{TAKE_BACK_LINK}"),
    "ask for a new password": Stop(path="/reset"),
    "a new password": Stop(act=with_mailed_link(LinkPurpose.RESET, "/reset"), at="accounts.reset"),
    "a new password, empty": Stop(act=without_password),
    "it was not me": Stop(act=with_mailed_link(LinkPurpose.NOT_ME, "/not-me"), at="accounts.not_me"),
    "closing": Stop(path="/deactivate"),
    "keep my account": Stop(path="/", act=open_keep_link, at="keeping.keep"),
    "keep my account, over": Stop(path=f"/keep/{'x' * 43}"),
    "delete my account": Stop("teacher", "/account/deactivate"),
    "delete my account, empty": Stop("teacher", "/account/deactivate", press("Delete my account for good")),
    "sign-in, not linked": Stop(path="/sign-in", act=follow("Sign in with Google")),
    "refused by a provider": Stop(path="/sign-in/google/callback"),
    "a link to an identity": Stop(path=f"/sign-in/link/{OFFERED}"),
    "account": Stop("teacher", "/account"),
    "sign out": Stop("teacher", "/sign-out"),
    "language of an account": Stop("teacher", "/account/language"),
    "mails of an account": Stop("teacher", "/account/mails"),
    "mails of an account, for a parent": Stop("parent", "/account/mails"),
    "messages": Stop("teacher", "/messages"),
    "a message": Stop("teacher", "/messages", open_message, "messages.message"),
    "account, linked": Stop("leader", "/account"),
    "another password": Stop("teacher", "/account/password"),
    "another password, empty": Stop("teacher", "/account/password", press("Change it")),
    "password once more": Stop("teacher", "/account/prove"),
    "password once more, wrong": Stop("teacher", "/account/prove", prove_wrongly),
    "second factor, none": Stop("teacher", FACTOR),
    "second factor": Stop("founder", FACTOR),
    "app for a second factor": Stop(
        "founder", FACTOR, press("Set up another app"), "accounts.confirm_factor"
    ),
    "app for a second factor, a wrong code": Stop("founder", FACTOR, wrong_first_code),
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
    "security of the site": Stop(path="/security"),
    "report": Stop(path="/report"),
    "report, error": Stop(path="/report", act=press("Send the report")),
    "report sent": Stop(path="/report/sent"),
    "what is held": Stop(path="/privacy/data"),
    "how long it is held": Stop(path="/privacy/retention"),
    "receipts": Stop(path="/receipts/"),
    "receipt-without-hash": Stop(path="/receipts/22222222222222aa"),
    "code": Stop(path="/join"),
    "code, wrong": Stop(act=wrong_class_code),
    "names": Stop(act=names_to_pick),
    "a tablet's picture": Stop(act=at_a_tablet, at="tablets.asked"),
    "a tablet's picture, used up": Stop(path=f"/tablet/{'x' * 43}"),
    "a tablet before a closed door": Stop(act=before_a_closed_door),
    "names, pictures only": Stop(act=shown_as(NamesShown.AVATARS)),
    "username": Stop(act=shown_as(NamesShown.USERNAMES)),
    "username, wrong": Stop(act=shown_as(NamesShown.USERNAMES, a_wrong_username)),
    "child, lesson over": Stop(act=lesson_over),
    "student": Stop(act=child, at="students.page"),
    "secret number": Stop(act=asked_for_pin),
    "secret number, wrong": Stop(act=wrong_pin),
    "own secret number": Stop(act=own_pin, at="students.pin"),
    "first secret number": Stop(act=first_pin, at="students.pin"),
    "first secret number, too easy": Stop(act=weak_pin),
    "a card": Stop(path="/join/card/{card}", at="students.card"),
    "a card, void": Stop(path=f"/join/card/{'x' * 27}", at="students.card"),
    "tell someone": Stop(act=tell, at="students.tell"),
    "tell someone, too much": Stop(act=tell_too_much),
    "tell someone, not in any more": Stop(act=tell_later),
    "told someone": Stop(act=told, at="students.told"),
    "goodbye": Stop(act=leave, at="students.goodbye"),
    "child, no such page": Stop(path="/student/nowhere"),
    "child, to wait": Stop(path="/student/broken/503"),
    "child, a defect": Stop(path="/student/broken/500"),
    "family": Stop("parent", "/family"),
    "own child": Stop("parent", "/family/{student}"),
    "ask the school": Stop("parent", "/family/{student}/ask"),
    "ask the school, error": Stop("parent", "/family/{student}/ask", press("Send it to the school")),
    "find": Stop("teacher", "/console/find/"),
    "inbox": Stop("teacher", "/console/inbox/"),
    "inbox of a founder": Stop("founder", "/console/inbox/"),
    "told by a child": Stop(
        "teacher", "/console/inbox/", follow("Somebody is mean to me"), "console_inbox.worry"
    ),
    "pass on what a child told": Stop(
        "teacher",
        "/console/inbox/",
        pass_on,
        "console_inbox.pass_on",
    ),
    "pass on what a child told, error": Stop(
        "teacher",
        "/console/inbox/",
        pass_on_nothing,
    ),
    "asked by a parent": Stop(
        "teacher", "/console/inbox/", follow("Please correct something"), "console_inbox.request"
    ),
    "asked by a parent, error": Stop("teacher", "/console/inbox/", answer_nothing),
    "a parent's invitation": Stop(path="/family/invitations/{family_link}"),
    "a parent's invitation, error": Stop(
        path="/family/invitations/{family_link}", act=press("Make my account and ask")
    ),
    "a parent's invitation for another": Stop("teacher", "/family/invitations/{family_link}"),
    "a parent's invitation that is over": Stop(path=f"/family/invitations/{'x' * 43}", at=NOTHING),
    "a letter's code": Stop(path="/family/join"),
    "a letter's code, wrong": Stop(path="/family/letters/BCDF-GHJK-MNPQ-RTVW", at="families.join"),
    "a letter": Stop(path="/family/letters/{letter}", at="families.join"),
    "a letter, error": Stop(path="/family/letters/{letter}", act=press("Mail me the link")),
    "a letter, signed in": Stop("colleague", "/family/letters/{letter}", at="families.join"),
    "a letter mailed": Stop(path="/family/join/sent"),
    "nothing shared": Stop("alone", "/welcome"),
    "home, signed in": Stop("teacher", "/"),
    "error 404, signed in": Stop("teacher", "/nowhere"),
    "dashboard": Stop("teacher", "/console/"),
    "classes": Stop("teacher", "/console/classrooms/"),
    "class": Stop("teacher", CLASS),
    "class, empty": Stop("teacher", act=lambda page, _site: make_class(page, "Empty Eels")),
    "class, marked and changed": Stop("teacher", act=add_and_look),
    "class, archived": Stop("teacher", act=archived),
    "manage a class": Stop("teacher", CLASS + "/manage"),
    "put a change back": Stop("teacher", CLASS + "/edit", follow("Put back"), "console_changes.classroom"),
    "put a change back, error": Stop("teacher", CLASS + "/manage", put_no_mark_back),
    "put a change of a student back": Stop(
        "teacher", "/console/students/{student}/edit", follow("Put back"), "console_changes.student"
    ),
    "put a change of an Action back": Stop(
        "teacher", CLASS + "/points/actions", put_action_back, "console_changes.action"
    ),
    "put a change of a school back": Stop(
        "leader", "/console/school-days/?school={school}", follow("Put back"), "console_changes.school"
    ),
    "put a change of a plugin back": Stop(
        "founder", "/console/plugins/rosters/settings", set_then_put_back, "console_changes.plugin_settings"
    ),
    "put a change of a job back": Stop(
        "founder", "/console/jobs/trust.check/time", follow("Put back"), "console_changes.job"
    ),
    "archive a class": Stop("teacher", CLASS + "/archive"),
    "door of a class": Stop("teacher", CLASS + "/entry"),
    "door of a class, error": Stop("teacher", CLASS + "/entry", press("Open for so long")),
    "door of a class, with a lesson code": Stop("teacher", CLASS + "/entry", begin_lesson),
    "a tablet to pair": Stop("teacher", CLASS + "/entry", pair_tablet),
    "who is in": Stop("teacher", act=see_who_is_in, at="console_class_live.live"),
    "who is in, nobody": Stop("helper", CLASS + "/live"),
    "class on the board": Stop("teacher", CLASS, press("Show it big")),
    "points": Stop("teacher", CLASS + "/points"),
    "points, awarded": Stop("teacher", CLASS + "/points", award_everybody),
    "points, no Actions": Stop("teacher", act=without_actions),
    "history of points": Stop("teacher", CLASS + "/points/history"),
    "totals of points": Stop("teacher", CLASS + "/points/totals"),
    "points on the board": Stop("teacher", CLASS + "/points/board"),
    "groups": Stop("teacher", CLASS + "/points/groups?size=2"),
    "goals": Stop("teacher", CLASS + "/points/goals"),
    "goals, error": Stop("teacher", CLASS + "/points/goals", aim_at_nothing),
    "Actions": Stop("teacher", CLASS + "/points/actions"),
    "Actions, error": Stop("teacher", CLASS + "/points/actions", press("Add it")),
    "an Action": Stop(
        "teacher", CLASS + "/points/actions", follow("Praise of the"), "console_class_points.edit_action"
    ),
    "cards and PINs": Stop("teacher", CLASS + "/cards"),
    "cards and PINs, some set": Stop("elsewhere", act=cards_and_pins),
    "teachers of a class": Stop("teacher", CLASS + "/teachers"),
    "teachers of a class, a helper": Stop("helper", CLASS + "/teachers"),
    "leave a class": Stop("helper", CLASS + "/teachers/leave"),
    "invite a teacher": Stop("teacher", CLASS + "/teachers/invite"),
    "invite a teacher, error": Stop("teacher", CLASS + "/teachers/invite", press("Send the invitation")),
    "names and pictures": Stop("teacher", CLASS + "/names"),
    "names and pictures, error": Stop("teacher", CLASS + "/names", alias_with_signs),
    "a picture for a student": Stop("teacher", CLASS + "/names?student={student}"),
    "new class": Stop("teacher", "/console/classrooms/new"),
    "new class, error": Stop("teacher", "/console/classrooms/new", press("Make the class")),
    "new class, several schools": Stop("leader", "/console/classrooms/new"),
    "edit class": Stop("teacher", CLASS + "/edit"),
    "edit class, error": Stop("teacher", CLASS + "/edit", clear_and_save),
    "paste": Stop("teacher", CLASS + "/paste"),
    "paste, nothing": Stop("teacher", CLASS + "/paste", press("Check the list")),
    "paste, preview": Stop("teacher", CLASS + "/paste", paste(BAD_LIST)),
    "paste, a question": Stop("teacher", CLASS + "/paste", paste("Wilhelmina Ada Quartermaine")),
    "paste, problems only": Stop("teacher", CLASS + "/paste", paste("123")),
    "students": Stop("teacher", "/console/students/"),
    "students of a class": Stop("teacher", "/console/students/?classroom={classroom}"),
    "students, a view changed": Stop("elsewhere", "/console/students/", change_view),
    "delete a class": Stop("teacher", CLASS + "/erase"),
    "delete a student": Stop("teacher", "/console/students/{student}/erase"),
    "delete a school": Stop("founder", "/console/schools/{school}/erase"),
    "delete a district": Stop("founder", "/console/schools/{school}/erase-district"),
    "deletions": Stop("teacher", "/console/erasures/"),
    "deletions, none": Stop("helper", "/console/erasures/"),
    "a deletion": Stop(
        "teacher", "/console/erasures/", follow("Wilhelmina Quartermaine"), "console_erasures.details"
    ),
    "large changes": Stop("leader", "/console/large-changes/"),
    "large changes, none": Stop("teacher", "/console/large-changes/"),
    "a large change": Stop(
        "leader",
        "/console/large-changes/",
        follow("Take out of their classes"),
        "console_large-changes.details",
    ),
    "views": Stop("teacher", "/console/views/"),
    "views, none": Stop("helper", "/console/views/"),
    "a view": Stop("teacher", "/console/views/", follow("Change"), "console_views.view"),
    "a view, to be shared": Stop("leader", "/console/students/?sort=-name", share_view),
    "delete a view": Stop("teacher", "/console/views/", delete_view, "console_views.delete"),
    "save a view, error": Stop("teacher", "/console/students/?sort=-name", save_nameless),
    "students, nothing found": Stop("teacher", "/console/students/", look_for("nobody")),
    "students, narrowed": Stop(
        "leader", "/console/students/?active=this-school-year&sort=-active&columns=points", open_filters
    ),
    "students, as a file": Stop("teacher", "/console/students/", open_exports),
    "import students": Stop("teacher", "/console/students/import"),
    "import students, error": Stop("teacher", "/console/students/import", press("Check the list")),
    "import students, looked at": Stop("teacher", "/console/students/import", look_at_list),
    "import classes": Stop("teacher", "/console/classrooms/import"),
    "import classes, looked at": Stop("teacher", "/console/classrooms/import", look_at_classes),
    "take out of class": Stop("teacher", "/console/students/?classroom={classroom}", take_out),
    "move students": Stop("teacher", "/console/students/?classroom={classroom}", move_everybody),
    "a student": Stop("teacher", "/console/students/{student}"),
    "cell of a student": Stop("teacher", "/console/students/{student}/cell/name"),
    "cell of a student, error": Stop("teacher", "/console/students/{student}/cell/name", clear_and_save),
    "cell of a student, in place": Stop("teacher", "/console/students/", open_a_cell),
    "name of a class in its cell": Stop("teacher", CLASS + "/cell/name"),
    "cell of a class": Stop("teacher", CLASS + "/cell/mark"),
    "edit student": Stop("teacher", "/console/students/{student}/edit"),
    "edit student, error": Stop("teacher", "/console/students/{student}/edit", clear_and_save),
    "merge": Stop("teacher", "/console/students/{student}/merge"),
    "merge, whom": Stop("teacher", "/console/students/{student}/merge", press("Find")),
    "merge, both": Stop("teacher", "/console/students/{student}/merge", look_at_both),
    "parents": Stop("teacher", "/console/families/"),
    "parents, none of a kind": Stop("teacher", "/console/families/?state=refused"),
    "parents, none": Stop("elsewhere", "/console/families/"),
    "parents, a question": Stop("teacher", "/console/families/", end_links),
    "invite a parent": Stop("teacher", "/console/families/invite/{student}"),
    "invite a parent, error": Stop(
        "teacher", "/console/families/invite/{student}", press("Send the invitation")
    ),
    "letters for a child": Stop("teacher", "/console/families/letter/{student}"),
    "letters for a class": Stop("teacher", "/console/families/letters/{classroom}"),
    "letters for a class, none": Stop("colleague", "/console/families/letters/{colleagues}"),
    "parent invitations": Stop("teacher", "/console/family-invitations/"),
    "parent invitations, none": Stop("elsewhere", "/console/family-invitations/"),
    "class, as a helper": Stop("helper", CLASS),
    "dashboard, empty": Stop("newcomer", "/console/"),
    "classes, empty": Stop("newcomer", "/console/classrooms/"),
    "dashboard, leader": Stop("leader", "/console/"),
    "classes, leader": Stop("leader", "/console/classrooms/"),
    "classes of a school": Stop("leader", "/console/classrooms/?school={school}"),
    "classes of a teacher": Stop("leader", "/console/classrooms/?teacher={teacher}"),
    "schools, leader": Stop("leader", "/console/schools/"),
    "school year, of which school": Stop("leader", "/console/school-year/"),
    "school year, no leader": Stop("teacher", "/console/school-year/"),
    "school year": Stop(
        "leader", "/console/school-year/?school={school}", open_the_first, "console_school-year.index"
    ),
    "school year, the numbers": Stop(
        "leader", "/console/school-year/?school={school}", press("Look at the numbers")
    ),
    "school days, of which school": Stop("leader", "/console/school-days/"),
    "school days": Stop("leader", "/console/school-days/?school={school}"),
    "school days, error": Stop("leader", "/console/school-days/?school={school}", without_days),
    "fields, of which school": Stop("leader", "/console/fields/"),
    "fields": Stop("leader", "/console/fields/?school={home}"),
    "no fields": Stop("leader", "/console/fields/?school={school}"),
    "make a field": Stop("leader", "/console/fields/new?school={home}"),
    "make a field, protected by law": Stop(
        "leader", "/console/fields/new?school={home}", ask_for_diagnoses, "console_fields.make"
    ),
    "change a field": Stop(
        "leader", "/console/fields/?school={home}", follow("Zanzibar"), "console_fields.change"
    ),
    "delete a field": Stop(
        "leader", "/console/fields/?school={home}", to_delete_a_field, "console_fields.erase"
    ),
    "receipt of a field": Stop(
        "leader", "/console/fields/?school={home}", delete_a_field, "console_fields.receipt"
    ),
    "fields of a student": Stop("teacher", "/console/students/{student}/fields"),
    "fields of a class": Stop("teacher", "/console/classrooms/{classroom}/fields"),
    "no locked network": Stop("leader", "/console/locked-networks/"),
    "locked networks": Stop("leader", act=locked_networks, at="console_locked-networks.index"),
    "how the staff sign in": Stop("leader", "/console/schools/{school}/sign-in"),
    "whom notices go to": Stop("leader", "/console/schools/{school}/contacts"),
    "whom notices to the district go to": Stop("leader", "/console/schools/{school}/district-contacts"),
    "the district's own system": Stop("leader", "/console/district-systems/{school}"),
    "the address of the district's own system": Stop("leader", "/console/district-systems/{school}/edit"),
    "schools that pay": Stop("leader", "/console/billing/"),
    "a subscription": Stop("leader", "/console/billing/{home}"),
    "no subscription": Stop("leader", "/console/billing/{school}"),
    "no subscription of a district": Stop("leader", "/console/billing/districts/{district}"),
    "quotes of a district": Stop("leader", "/console/billing/districts/{district}/quotes"),
    "subscribe": Stop("leader", "/console/billing/{school}/buy?price=school_seat_yearly"),
    "seats": Stop("leader", "/console/billing/{home}/seats"),
    "quotes": Stop("leader", "/console/billing/{home}/quotes"),
    "tax certificates": Stop("leader", "/console/billing/{home}/exemption"),
    "payments": Stop("founder", "/console/payments/"),
    "subscriptions": Stop("founder", "/console/subscriptions/"),
    "purchase orders": Stop("founder", "/console/purchase-orders/"),
    "messages from Stripe": Stop("founder", "/console/stripe-messages/"),
    "whom notices go to, error": Stop("leader", "/console/schools/{school}/contacts", nobodys_address),
    "how the staff sign in, error": Stop("leader", "/console/schools/{school}/sign-in", from_nowhere),
    "teachers": Stop("leader", "/console/teachers/"),
    "a teacher": Stop("leader", "/console/teachers/{teacher}"),
    "the end of a place": Stop("leader", "/console/teachers/{teacher}/leave"),
    "suspend a place": Stop("leader", "/console/teachers/{teacher}/suspend"),
    "suspend a place, error": Stop("leader", "/console/teachers/{teacher}/suspend", press("Suspend")),
    "reinstate a place": Stop("leader", "/console/teachers/{teacher}/reinstate"),
    "reset a teacher's factor": Stop("leader", "/console/teachers/{teacher}/reset-factor"),
    "a school's second factor": Stop("leader", "/console/schools/{school}/second-factor"),
    "a school's second factor, error": Stop(
        "leader", "/console/schools/{school}/second-factor", require_without_own
    ),
    "a contract that ends": Stop("leader", "/console/schools/{school}/contract"),
    "a contract that ends, founder": Stop("founder", "/console/schools/{school}/contract"),
    "end a contract": Stop("founder", "/console/schools/{school}/contract/end"),
    "end a contract, error": Stop(
        "founder", "/console/schools/{school}/contract/end", press("End the contract")
    ),
    "keep my factor": Stop(act=factor_to_keep, at="accounts.keep_factor"),
    "keep my factor, over": Stop(path=f"/keep-my-factor/{'x' * 43}"),
    "accounts": Stop("founder", "/console/accounts/"),
    "accounts, not found": Stop("founder", "/console/accounts/", find_nobody),
    "an account": Stop("founder", "/console/accounts/{teacher}"),
    "reinstate an account": Stop("founder", "/console/accounts/{teacher}/reinstate"),
    "reset the factor of an account": Stop("founder", "/console/accounts/{teacher}/reset-factor"),
    "suspend an account": Stop("founder", "/console/accounts/{teacher}/suspend"),
    "suspend an account, error": Stop(
        "founder", "/console/accounts/{teacher}/suspend", press("Suspend this")
    ),
    "security": Stop("founder", "/console/security/"),
    "security, none": Stop("founder", "/console/security/?state=closed"),
    "a security event": Stop(
        "founder", "/console/security/", follow("Somebody guesses"), "console_security.details"
    ),
    "close a security event": Stop("founder", "/console/security/", close_an_event, "console_security.close"),
    "close a security event, error": Stop("founder", "/console/security/", close_without_note),
    "incidents": Stop("founder", INCIDENTS),
    "incidents, none": Stop("founder", f"{INCIDENTS}?state=closed"),
    "contracts": Stop("founder", "/console/contracts/"),
    "contracts, none": Stop("founder", "/console/contracts/?said=district"),
    "contract of a school": Stop("founder", "/console/contracts/{school}"),
    "contract of a school, error": Stop("founder", "/console/contracts/{school}", contract_without_hours),
    "contract of a district": Stop("founder", "/console/contracts/{school}/district"),
    "contract of a district, error": Stop(
        "founder", "/console/contracts/{school}/district", contract_without_hours
    ),
    "incidents of schools, none": Stop("leader", "/console/school-incidents/"),
    "incidents of schools": Stop(
        "officer",
        "/console/school-incidents/",
        told_of_incident,
        "plugin_notifications_school-incidents.index",
    ),
    "an incident of a school": Stop(
        "officer",
        "/console/school-incidents/",
        look_at_what_was_told,
        "plugin_notifications_school-incidents.details",
    ),
    "an incident": Stop("founder", INCIDENTS, at_incident(), "plugin_notifications_incidents.details"),
    "open an incident": Stop("founder", f"{INCIDENTS}new"),
    "open an incident, error": Stop("founder", f"{INCIDENTS}new", press("Open it")),
    **{
        f"{name}{error and ', error'}": Stop(
            "founder",
            INCIDENTS,
            at_incident(link, *([error] if error else [])),
            f"plugin_notifications_incidents.{door}",
        )
        for name, door, link, send in (
            ("facts of an incident", "facts", "Change what is known", "Save what is known"),
            ("a note on an incident", "note", "Write it down", "Write it down"),
            ("a decision on an incident", "decide", "Write a decision down", "Write it down"),
            ("a task of an incident", "task", "Set a task", "Set it"),
            ("the end of an incident", "close", "Close this incident", "Close the incident"),
            ("evidence of an incident", "evidence", "Take evidence along", "Make the file"),
            ("a school of an incident", "concern", "Add a school or district", "Add it"),
            ("the scope of an incident", "scope", SCOPE, ""),
            ("people of an incident", "people", "Numbers", "Save the numbers"),
            ("the contract of a school of an incident", "contract", "Contract", "Save what it asks"),
            ("who was told of an incident", "told", "Told", "Write it down"),
            ("a notice that went out", "given", "It went out", "Write it down"),
        )
        # The others can be sent as they stand.
        for error in ("", send)
        if not error or door in {"note", "decide", "task", "close", "concern"}
    },
    "drills": Stop("founder", f"{INCIDENTS}drills"),
    "an incident that is played": Stop("founder", INCIDENTS, follow(DRILL)),
    "a drill": Stop("founder", INCIDENTS, at_drill(), "plugin_notifications_drills.drill"),
    "what came in": Stop("founder", INCIDENTS, at_drill("Answer"), "plugin_notifications_drills.answer"),
    "what came in, error": Stop("founder", INCIDENTS, at_drill("Answer", "Write it down")),
    **{
        f"{name}{error and ', error'}": Stop(
            "founder",
            INCIDENTS,
            at_incident(SCOPE, link, *([error] if error else [])),
            f"plugin_notifications_incidents.{door}",
        )
        for name, door, link, send in (
            ("a misused account of a scope", "scope", "A misused account", "Compute it"),
            ("a session of a scope", "scope", "A session of an account", "Compute it"),
            ("an export of a scope", "scope", "An export", "Compute it"),
            ("a school of a scope", "scope", "A school or class", "Compute it"),
            ("a source of a scope that is withdrawn", "withdraw", "Withdraw something", "Withdraw it"),
        )
        for error in ("", send)
    },
    "notices": Stop("founder", INCIDENTS, at_incident("Notices"), "plugin_notifications_notices.index"),
    "a notice": Stop(
        "founder", INCIDENTS, at_incident("Notices", NOTICE), "plugin_notifications_notices.notice"
    ),
    "new notice": Stop(
        "founder", INCIDENTS, at_incident("Notices", "Staff"), "plugin_notifications_notices.new"
    ),
    "new notice, error": Stop("founder", INCIDENTS, write_a_link),
    "edit a notice": Stop(
        "founder",
        INCIDENTS,
        at_incident("Notices", NOTICE, "Change what it says"),
        "plugin_notifications_notices.edit",
    ),
    "reports": Stop("founder", "/console/reports/"),
    "reports, none": Stop("founder", "/console/reports/?state=closed"),
    "a report": Stop("founder", "/console/reports/", follow("A message or page"), "console_reports.details"),
    "close a report": Stop("founder", "/console/reports/", close_a_report, "console_reports.close"),
    "close a report, error": Stop("founder", "/console/reports/", close_report_without_note),
    "invitations": Stop("leader", "/console/invitations/"),
    "invite somebody": Stop("leader", "/console/invitations/new"),
    "invite somebody, error": Stop("leader", "/console/invitations/new", press("Send the invitation")),
    "an invitation": Stop(path="/invitations/{link}"),
    "an invitation, error": Stop(path="/invitations/{link}", act=press("Accept and sign in")),
    "an invitation for another": Stop("teacher", "/invitations/{link}"),
    "an invitation that is over": Stop(path=f"/invitations/{'x' * 43}", at=NOTHING),
    "permissions": Stop("leader", "/console/permissions/"),
    "data inventory": Stop("officer", "/console/inventory/"),
    "legal holds": Stop("founder", "/console/holds/"),
    "a legal hold to propose": Stop("founder", "/console/holds/propose"),
    "retention": Stop("founder", "/console/retention/"),
    "dashboard, officer": Stop("officer", "/console/"),
    "dashboard, founder": Stop("founder", "/console/"),
    "schools": Stop("founder", "/console/schools/"),
    "exports": Stop("leader", "/console/exports/"),
    "exports, error": Stop("leader", "/console/exports/", press("Have it made")),
    "an export back": Stop("teacher", "/console/exports/back"),
    "an export back, error": Stop("teacher", "/console/exports/back", press("Look at what comes in")),
    "an export back, refused": Stop("teacher", "/console/exports/back", bring_no_export),
    "an export back, looked at": Stop("teacher", "/console/exports/back", look_at_export),
    "my exports": Stop("teacher", "/account/exports"),
    "rosters": Stop("leader", "/console/rosters/"),
    "a roster": Stop(
        "leader", "/console/rosters/", follow("Home Hollow School"), "plugin_rosters_rosters.details"
    ),
    "bring in a roster": Stop("leader", "/console/rosters/new"),
    "bring in a roster, error": Stop("leader", "/console/rosters/new", press("Check the file")),
    "plugins": Stop("founder", "/console/plugins/"),
    "settings of a plugin": Stop("founder", "/console/plugins/rosters/settings"),
    "settings of a plugin, error": Stop("founder", "/console/plugins/rosters/settings", set_wrongly),
    "settings of a plugin, a default": Stop("founder", "/console/plugins/rosters/settings", back_to_default),
    "a plugin": Stop("founder", "/console/plugins/trust"),
    "switch a plugin off": Stop("founder", "/console/plugins/trust/switch"),
    "a plugin, without a reason": Stop("founder", "/console/plugins/trust/switch", press("Switch off")),
    "mail": Stop("founder", "/console/outbox/"),
    "mail, none of a kind": Stop("founder", "/console/outbox/?state=sent"),
    "jobs": Stop("founder", "/console/jobs/"),
    "jobs, none of a kind": Stop("founder", "/console/jobs/?state=running"),
    "a job, none of a kind": Stop("founder", "/console/jobs/trust.check?state=lost"),
    "a job": Stop("founder", "/console/jobs/trust.check"),
    "a job that has not run": Stop("founder", "/console/jobs/core.forget-jobs"),
    "a job, asked to run": Stop("founder", "/console/jobs/trust.check", press("Run now")),
    "a job's time": Stop("founder", "/console/jobs/trust.check/time"),
    "a job's time, error": Stop("founder", "/console/jobs/trust.check/time", choose_every_day),
}

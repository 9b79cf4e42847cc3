"""The pages about points: what a teacher presses, sees and takes back."""

import re
from collections import Counter
from datetime import UTC, datetime
from html import unescape
from typing import Any
from uuid import uuid4

import pypdfium2
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update

from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account
from backoffice.audit.models import AuditEntry
from backoffice.families.models import StudentView
from backoffice.schools.award_models import PointAward, Whom
from backoffice.schools.models import Action, PointEntry
from backoffice.schools.points_queries import AWARDS_A_PAGE
from backoffice.schools.services import points
from backoffice.schools.services.actions import ICONS, SUGGESTED, add_action
from backoffice.schools.services.classrooms import create_classroom
from backoffice.schools.services.rosters import add_students
from tests.contract.pages import body_of
from tests.factories.visitor import field_value, form_token, send, signed_in
from tests.factories.world import SYSTEM, World

CHILDREN = "Ada Lovelace\nAda Byron\nAlan Turing\nGrace Hopper\nMary Jackson"


class Room:
    """A class of its own: five children, two of one given name, and the suggested Actions."""

    def __init__(self, app: Flask, world: World) -> None:
        teacher = world.sign_in("colleague")
        self.public_id = create_classroom(
            principal=teacher, school=world.home.public_id, name="Merry Magpies"
        )
        add_students(principal=teacher, classroom=self.public_id, text=CHILDREN)
        self.base = f"/console/classrooms/{self.public_id}/points"
        self.browser = signed_in(app, world, "colleague")

    def get(self, below: str = "", **query: str) -> str:
        """A page, as text."""
        answer = self.browser.get(self.base + below, query_string=query)
        assert answer.status_code == 200
        return unescape(answer.text)

    def award(self, **fields: Any) -> str:
        """Send the page of awards; the page that comes then."""
        page = self.browser.get(self.base).text
        once = re.search(r'name="form" value="([^"]+)"', page)
        assert once
        sent = {"csrf_token": form_token(page), "form": once[1], **fields}
        return unescape(self.browser.post(self.base, data=sent, follow_redirects=True).text)

    def pupil(self, label: str) -> str:
        """A child's identifier, read from the page."""
        found = re.search(
            rf'value="(\w{{16}})"[^>]*>(?:(?!</li>).)*<bdi>{label}</bdi>', self.get(), re.DOTALL
        )
        assert found
        return found[1]

    def action(self, label: str) -> str:
        """An Action's identifier, read from the page."""
        found = re.search(rf'value="(\w{{16}})">(?:(?!</li>).)*{label}', self.get(), re.DOTALL)
        assert found
        return found[1]


@pytest.fixture(scope="module")
def room(app: Flask, world: World) -> Room:
    made = Room(app, world)
    assert "What do you give points for?" in made.get()
    keys = [each.key for each in SUGGESTED]
    ready = send(made.browser, f"{made.base}/actions/start", {"key": keys}, page=made.base)
    assert ready.location == made.base
    return made


def test_points_for_those_who_are_ticked_are_said_by_name_and_taken_back(room: Room) -> None:
    fields = {"student": [room.pupil("Alan T."), room.pupil("Ada L.")], "for": room.action("Helped a friend")}
    page = room.award(**fields, comment="Carried the boxes")
    assert re.search(r"\+2 Helped a friend</b>\s*for\s*<bdi>Ada L., Alan T.</bdi>", page)
    again = re.search(r'action="([^"]+/undo)".*?name="award" value="(\w+)"', page, re.DOTALL)
    assert again
    done = room.browser.post(again[1], data={"csrf_token": form_token(page), "award": again[2]})
    assert done.location == room.base
    assert "The points are taken back." in room.get()
    more = room.browser.post(
        again[1], data={"csrf_token": form_token(page), "award": again[2], "back": "history"}
    )
    assert more.location == f"{room.base}/history"
    history = room.get("/history")
    assert "These points were taken back already." in history
    assert "Carried the boxes" in history
    assert "Taken back" in history
    assert "+2 Helped a friend</b> was taken back from" in re.sub(r"\s+", " ", room.get(given=again[2]))


def test_the_whole_class_and_one_at_random(room: Room) -> None:
    action = room.action("Tidied up")
    assert "the whole class (5)" in room.award(whom="class", **{"for": action})
    lucky = re.search(
        r"\+1 Tidied up</b>\s*for\s*<bdi>([^<,]+)</bdi>", room.award(whom="random", **{"for": action})
    )
    assert lucky


def test_what_is_missing_is_asked_for_and_what_was_chosen_stays(room: Room) -> None:
    alan, action = room.pupil("Alan T."), room.action("Tidied up")
    page = room.award(**{"for": action}, comment="Stays here")
    assert "Choose at least one student." in page
    assert "Stays here" in page
    page = room.award(student=[alan])
    assert "Choose what the points are for." in page
    assert re.search(rf'value="{alan}" checked', page)
    page = room.award(student=[alan], comment="x" * 201, **{"for": action})
    assert "Shorten the comment to 200 letters." in page
    late = room.browser.post(room.base, data={"csrf_token": "old", "student": [alan], "for": action})
    assert (late.status_code, f'value="{alan}" checked' in late.text) == (422, True)


def test_a_page_sent_twice_awards_once(room: Room) -> None:
    page = room.browser.get(room.base).text
    alan, action, form = room.pupil("Alan T."), room.action("Tidied up"), str(uuid4())
    sent = {"csrf_token": form_token(page), "form": form, "student": [alan], "for": action}
    before = balance(room, alan)
    first, second = (room.browser.post(room.base, data=sent) for _ in range(2))
    assert first.location == second.location
    assert balance(room, alan) == before + 1
    old = room.browser.post(room.base, data={**sent, "whom": "class"})
    assert (old.status_code, "Send it again." in old.text) == (422, True)
    assert form not in old.text


def balance(room: Room, pupil: str) -> int:
    found = re.search(rf'value="{pupil}".*?award-points">([−\d]+)', room.get(), re.DOTALL)
    assert found
    return int(found[1].replace("−", "-"))


def test_the_board_shows_first_names_and_points_and_nothing_else(room: Room) -> None:
    page = room.get("/board")
    said = re.sub(r"<[^>]+>", " ", re.sub(r"<(head|svg|noscript).*?</\1>", " ", page, flags=re.DOTALL))
    words = set(re.findall(r"[^\W\d_]+", said))
    assert words == {
        *("Ada", "L", "B", "Alan", "Grace", "Mary", "points"),
        *("Merry", "Magpies", "Leave", "the", "board"),
    }
    assert "<nav" not in page
    assert "data-reload" in page
    assert 'http-equiv="refresh"' in page


def test_groups_hold_everybody_once_and_are_not_the_same_each_time(room: Room) -> None:
    dealt = set()
    for _ in range(12):
        found = re.findall(r"<bdi>([^<]+)</bdi>", room.get("/groups", size="2"))
        assert sorted(found) == ["Ada B.", "Ada L.", "Alan", "Grace", "Mary"]
        dealt.add(tuple(found))
    assert len(dealt) > 1
    assert room.get("/groups", size="2").count('<li class="card">') == 2
    for odd in ("0", "-1", "9" * 30, "x"):
        assert room.get("/groups", size=odd).count('<li class="card">') == 2


def test_goals_are_set_for_one_and_for_all_and_what_is_no_number_stays(room: Room) -> None:
    alan = room.pupil("Alan T.")
    for sent, status, shown in (
        ({f"goal-{alan}": " 30 "}, 303, "30"),
        ({f"goal-{alan}": "many"}, 422, "many"),
        ({f"goal-{alan}": "0"}, 422, "0"),
        ({f"goal-{alan}": "9" * 40}, 422, "9" * 40),
        ({"everybody": "yes", "same": "25"}, 303, "25"),
        ({f"goal-{alan}": ""}, 303, ""),
    ):
        answer = send(room.browser, f"{room.base}/goals", sent)
        assert answer.status_code == status
        page = answer.text if status == 422 else room.get("/goals")
        assert f'name="goal-{alan}" value="{shown}"' in page
    assert f'name="goal-{room.pupil("Ada B.")}" value="25"' in room.get("/goals")


def test_an_action_is_made_changed_retired_and_brought_back(room: Room) -> None:
    page = f"{room.base}/actions"
    bad = send(room.browser, page, {"label": "", "points": "11", "icon": "rocket"})
    assert bad.status_code == 422
    send(room.browser, page, {"label": "Sang & danced", "points": "3", "icon": "music"})
    (own,) = re.findall(
        r"/console/classrooms/actions/\w+(?=\">(?:(?!</li>).)*Sang & danced)", room.get("/actions")
    )
    form = unescape(room.browser.get(own).text)
    assert re.search(r'value="music"[^>]*checked|checked[^>]*value="music"', form)
    changed = {"label": "Pecked", "points": "4", "takes": "y", "icon": "clock"}
    assert send(room.browser, own, changed).location == page
    assert "−4" in room.get("/actions")
    assert "Pecked" in room.get()
    send(room.browser, f"{own}/retire", {}, page=own)
    assert "Pecked" not in room.get()
    assert "Bring back" in room.get("/actions")
    send(room.browser, f"{own}/bring-back", {}, page=page)
    assert "Pecked" in room.get()


def test_nobody_changes_an_action_over_another(room: Room) -> None:
    page = f"{room.base}/actions"
    send(room.browser, page, {"label": "Hummed well-known songs", "points": "3", "icon": "music"})
    (own,) = re.findall(
        r"/console/classrooms/actions/\w+(?=\">(?:(?!</li>).)*Hummed well-known)", room.get("/actions")
    )
    opened = room.browser.get(own).text
    seen = {"csrf_token": form_token(opened), "seen": field_value(opened, "seen")}
    mine = {"label": "Whistled", "points": "1", "icon": "music"}
    send(
        room.browser, own, {"label": "Hummed well-known songs", "points": "2", "takes": "y", "icon": "music"}
    )
    late = room.browser.post(own, data=seen | mine)
    assert (late.status_code, "now it is Hummed well-known songs, −2, Music" in late.text) == (422, True)
    assert "Whistled" not in room.get()
    seen["seen"] = field_value(late.text, "seen")
    assert room.browser.post(own, data=seen | mine).location == page
    assert "Whistled" in room.get()
    send(room.browser, f"{own}/retire", {}, page=own)


def test_totals_count_what_stands_by_the_readers_weeks(room: Room, world: World) -> None:
    """Late on a Sunday in California is Monday in London: the week is the reader's."""
    with transaction(SYSTEM) as tx:
        here = select(Action.classroom_id).where(Action.public_id == room.action("Helped a friend"))
        number = tx.scalar(here)
        tx.execute(
            update(Account)
            .where(Account.id == world.people["colleague"].id)
            .values(time_zone="America/Los_Angeles")
        )
        tx.execute(delete(PointAward).where(PointAward.classroom_id == number))
        tx.execute(delete(PointEntry).where(PointEntry.classroom_id == number))
    alan, helped = room.pupil("Alan T."), room.action("Helped a friend")
    shouted = room.action("Shouted out")
    with time_machine.travel(datetime(2027, 3, 1, 2, tzinfo=UTC), tick=True):
        room.browser = fresh(room, world)
        room.award(student=[alan], **{"for": helped})
        page = room.award(student=[alan], **{"for": helped})
        undone = re.search(r'name="award" value="(\w+)"', page)
        assert undone
        room.browser.post(f"{room.base}/undo", data={"csrf_token": form_token(page), "award": undone[1]})
        room.award(whom="class", **{"for": shouted})
    with time_machine.travel(datetime(2027, 3, 3, 12, tzinfo=UTC), tick=True):
        room.browser = fresh(room, world)
        page = room.get("/totals", weeks="4")
    room.browser = fresh(room, world)
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    read = [re.sub(r"<[^>]+>", " ", row).split() for row in rows]
    assert ["22", "Feb", "2027", "2", "−5", "−3"] in read
    assert ["1", "Mar", "2027", "0", "0", "0"] in read
    assert ["Helped", "a", "friend", "1", "+2"] in read
    assert ["Shouted", "out", "5", "−5"] in read
    (mine,) = [row for row in read if row[:2] == ["Alan", "T."]]
    assert mine[2:4] == ["2", "−1"]


def fresh(room: Room, world: World) -> FlaskClient:
    """The teacher's browser with a session of this moment."""
    return signed_in(room.browser.application, world, "colleague")


def test_a_report_is_one_page_about_one_child(app: Flask, world: World) -> None:
    own, teacher = world.own_class, signed_in(app, world, "teacher")
    child, other = own.children[:2]
    answer = teacher.get(f"/console/classrooms/points/report/{child.public_id}?classroom={own.public_id}")
    said = body_of(answer)
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"] == f'inline; filename="progress-{child.public_id}.pdf"'
    assert f"{child.given} {child.family}" in said
    assert own.name in said
    assert f"Praise of the {own.name}" in said
    # A comment is the staff's.
    assert f"Comment about {child.family}" not in said
    assert str(other.family) not in said
    for elsewhere in (world.foreign_class, world.colleague_class):
        address = f"/console/classrooms/points/report/{child.public_id}?classroom={elsewhere.public_id}"
        assert teacher.get(address).status_code == 404


def test_the_reports_of_a_class_are_those_of_its_children(app: Flask, world: World) -> None:
    own, teacher = world.own_class, signed_in(app, world, "teacher")
    base = f"/console/classrooms/{own.public_id}/points"
    assert f'href="{base}/reports"' in teacher.get(f"{base}/totals").text
    seen = select(StudentView.student_id).where(StudentView.viewer_id == world.people["teacher"].id)
    with transaction(SYSTEM) as tx:
        before = Counter(tx.scalars(seen))
    answer = teacher.get(f"{base}/reports")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.headers["Content-Disposition"] == f'inline; filename="progress-{own.public_id}.pdf"'
    document = pypdfium2.PdfDocument(answer.get_data())
    pages = [page.get_textpage().get_text_range() for page in document]
    assert len(pages) == len(own.children)
    singles = {
        child.family: body_of(
            teacher.get(f"/console/classrooms/points/report/{child.public_id}?classroom={own.public_id}")
        )
        for child in own.children
    }
    assert sorted(pages) == sorted(singles.values())
    # Noted for each child, whose parents read it, and once in the trail.
    with transaction(SYSTEM) as tx:
        after = Counter(tx.scalars(seen))
        assert after - before == Counter({child.id: 2 for child in own.children})
        noted = tx.scalars(select(AuditEntry.verb).where(AuditEntry.verb == "points.class-report")).all()
    assert noted == ["points.class-report"]
    helper = signed_in(app, world, "helper")
    assert (helper.get(f"{base}/reports").status_code, "reports" in helper.get(f"{base}/totals").text) == (
        404,
        False,
    )
    empty = create_classroom(
        principal=world.sign_in("teacher"), school=world.home.public_id, name="Reportless Rooks"
    )
    assert teacher.get(f"/console/classrooms/{empty}/points/reports").status_code == 404


def test_what_was_taken_back_misleads_nobody(app: Flask, world: World) -> None:
    """Child and parent see it no more; the staff see that it was."""
    own, teacher = world.own_class, world.sign_in("teacher")
    child = own.children[0]
    action = add_action(principal=teacher, classroom=own.public_id, label="Juggled", icon="ball", value=4)
    given = points.award_points(
        principal=teacher,
        classroom=own.public_id,
        action=action,
        whom=Whom.CHOSEN,
        students=[child.public_id],
        form=str(uuid4()),
        comment="With eggs",
    )
    inside = app.test_client()
    send(inside, "/join", {"code": own.code, "student": child.public_id})
    pages = [
        (inside, "/student"),
        (signed_in(app, world, "parent"), "/family"),
        (signed_in(app, world, "parent"), f"/family/{child.public_id}"),
        (signed_in(app, world, "teacher"), f"/console/students/{child.public_id}"),
    ]
    assert ["Juggled" in browser.get(page).text for browser, page in pages] == [True] * 4
    points.undo_award(principal=teacher, classroom=own.public_id, award=given)
    seen = [browser.get(page).text for browser, page in pages]
    assert ["Juggled" in page for page in seen] == [False] * 3 + [True]
    assert [len(re.findall("[+\u2212]4", page)) for page in seen] == [0] * 3 + [1]
    assert re.search(r"Juggled\s*<span[^>]*>Taken back</span>", seen[3])
    report = f"/console/classrooms/points/report/{child.public_id}"
    assert "Juggled" not in body_of(signed_in(app, world, "teacher").get(report))


def test_the_history_goes_back_page_by_page(app: Flask, world: World) -> None:
    """Also where two were awarded at the very same moment."""
    own = world.foreign_class
    with transaction(SYSTEM) as tx:
        action = tx.scalar(select(Action.public_id).where(Action.classroom_id == own.id))
        theirs = tx.scalar(
            select(PointAward.public_id).where(PointAward.classroom_id == world.own_class.id).limit(1)
        )
    assert action
    with time_machine.travel(datetime(2027, 4, 1, 9, tzinfo=UTC), tick=False):
        teacher = world.sign_in("outsider")
        made = [
            points.award_points(
                principal=teacher, classroom=own.public_id, action=action, whom=Whom.CLASS, form=str(uuid4())
            )
            for _ in range(AWARDS_A_PAGE + 2)
        ]
        browser = signed_in(app, world, "outsider")
        address = f"/console/classrooms/{own.public_id}/points/history"
        first = browser.get(address).text
        older = re.search(r"\?before=(\w+)", first)
        assert older
        second = browser.get(address, query_string={"before": older[1]}).text
        foreign = browser.get(address, query_string={"before": theirs}).text
    listed = [re.findall(r'name="award" value="(\w+)"', page) for page in (first, second)]
    assert listed[0] + listed[1][:2] == made[::-1]
    assert len(listed[1]) == 3
    assert "Nothing was awarded yet" in foreign


def test_who_may_not_edit_sees_no_way_to(app: Flask, world: World) -> None:
    base = f"/console/classrooms/{world.own_class.public_id}/points"
    helper = signed_in(app, world, "helper")
    page = unescape(helper.get(base).text)
    assert "Whole class" in page
    assert f"{base}/actions" not in page
    assert "Take back" not in helper.get(f"{base}/history").text
    assert "points/report" not in helper.get(f"{base}/totals").text
    for below in ("/actions", "/goals"):
        assert helper.get(base + below).status_code == 404


def test_a_class_without_children_or_actions_says_what_to_do(app: Flask, world: World) -> None:
    teacher = signed_in(app, world, "teacher")
    room = create_classroom(
        principal=world.sign_in("teacher"), school=world.home.public_id, name="Empty Egrets"
    )
    base = f"/console/classrooms/{room}/points"
    assert "Add the students of the class first." in teacher.get(base).text
    assert "Add the students of the class first." in teacher.get(f"{base}/groups").text
    assert "Add the students of the class first." in teacher.get(f"{base}/goals").text
    assert "Nobody is in the class yet." in teacher.get(f"{base}/board").text
    assert "Nothing was awarded yet" in teacher.get(f"{base}/history").text
    assert "Nothing was awarded in this time." in teacher.get(f"{base}/totals").text


def test_every_picture_that_can_be_chosen_is_drawn(app: Flask) -> None:
    with app.test_request_context("/"):
        parts = app.jinja_env.get_template("console/points/parts.html").module
        drawn = {name: str(parts.action_icon(name)) for name in ICONS}  # type: ignore[attr-defined]
    assert len(set(drawn.values())) == len(ICONS)

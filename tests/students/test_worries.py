"""A child tells a grown-up: who reads it, how often it can, what becomes of it."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from markupsafe import escape
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import SQLAlchemyError

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Principal, Purpose
from backoffice.access.transaction import transaction
from backoffice.audit.models import AuditEntry
from backoffice.jobs.models import JobRun
from backoffice.privacy.retention.runs import Rules, run_kinds
from backoffice.problems import Rejected, Throttled
from backoffice.schools.models import Membership, Role, TeachingRole, TeachingRoleName
from backoffice.settings import Throttles
from backoffice.students.kinds import WORRIES
from backoffice.students.models import StudentSession
from backoffice.students.worries import queries, services
from backoffice.students.worries.letters import write_worry_letters
from backoffice.students.worries.models import GoesTo, Worry, WorryKind
from tests.factories.visitor import form_token, send, signed_in
from tests.factories.world import NO_LIMIT, SYSTEM, Class, World
from tests.families.post import mailed

SECRET = "Somebody wrote my name <b>on the wall</b>"


@pytest.fixture(autouse=True)
def silence(world: World) -> Iterator[None]:
    """Nobody has told anything."""
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Worry))
    yield
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Worry))


def tell(
    who: Principal,
    goes_to: str = GoesTo.TEACHER,
    form: str = "",
    note: str = SECRET,
    throttles: Throttles = NO_LIMIT,
) -> None:
    services.tell(
        principal=who,
        kind=WorryKind.STRANGE,
        goes_to=goes_to,
        note=note,
        form=form or str(uuid4()),
        throttles=throttles,
    )


def child_of(world: World, room: Class) -> Principal:
    return world.student(room, room.children[0])


def seen_by(world: World, role: str) -> list[str | None]:
    with transaction(world.sign_in(role)) as tx:
        return [each.worry.note for each in queries.waiting(tx)]


def only_one() -> Worry:
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(Worry)).one()


def trail() -> int:
    """How often somebody has told something."""
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).where(AuditEntry.verb == "worries.tell")) or 0


def test_those_in_charge_of_the_class_read_it_and_nobody_else(world: World) -> None:
    tell(child_of(world, world.own_class))
    readers = {role for role in world.people if seen_by(world, role) == [SECRET]}
    assert readers == {"teacher", "co_teacher", "leader"}


def mails_of(world: World) -> dict[str, list[str]]:
    """What the people were mailed about what a child told, once the worker has written it."""
    write_worry_letters(Purpose("test"))
    found = {
        role: [text for text in mailed(person.email) if "/console/inbox/worries/" in text]
        for role, person in world.people.items()
    }
    return {role: texts for role, texts in found.items() if texts}


@pytest.fixture
def new_mails(world: World) -> Callable[[], dict[str, int]]:
    """How many mails about what children told each of the people got since."""
    before = Counter({role: len(texts) for role, texts in mails_of(world).items()})
    return lambda: dict(Counter({role: len(texts) for role, texts in mails_of(world).items()}) - before)


def mailed_before(**ago: int) -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(update(Worry).values(mailed_at=clock.now() - timedelta(**ago)))


def runs() -> int:
    """How often the job of these mails was asked for."""
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).where(JobRun.job == services.WRITE)) or 0


@contextmanager
def suspended(world: World, *roles: str) -> Iterator[None]:
    """The places of some people are without effect."""
    places = update(Membership).where(Membership.account_id.in_([world.people[role].id for role in roles]))
    with transaction(SYSTEM) as tx:
        tx.execute(places.values(suspended_at=clock.now()))
    try:
        yield
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(places.values(suspended_at=None))


def test_owner_and_co_teachers_are_mailed_at_once_and_reminded_while_it_is_open(
    world: World, new_mails: Callable[[], dict[str, int]]
) -> None:
    room, asked = world.own_class, runs()
    tell(child_of(world, room))
    assert runs() == asked + 1
    once = {"teacher": 1, "co_teacher": 1}
    assert [new_mails(), new_mails()] == [once, once]
    worry = only_one()
    mailed_before(days=1, hours=23)
    assert new_mails() == once
    mailed_before(days=2, minutes=1)
    # Somebody who looks after it has not closed it.
    services.take_up(principal=world.sign_in("co_teacher"), worry=worry.public_id)
    twice = {"teacher": 2, "co_teacher": 2}
    assert [new_mails(), new_mails()] == [twice, twice]
    said = mails_of(world)["teacher"][-2:]
    assert [f"/console/inbox/worries/{worry.public_id}" in each for each in said] == [True, True]
    secret = (SECRET, "on the wall", "strange", room.name, room.children[0].given, "Quartermaine")
    assert [word for word in secret if word in " ".join(said)] == []


def test_what_is_closed_is_not_mailed(world: World, new_mails: Callable[[], dict[str, int]]) -> None:
    for before in (False, True):
        tell(child_of(world, world.own_class))
        if before:
            assert new_mails() == {"teacher": 1, "co_teacher": 1}
            mailed_before(days=3)
        with transaction(SYSTEM) as tx:
            still_open = update(Worry).where(Worry.closed_at.is_(None))
            tx.execute(still_open.values(closed_at=clock.now(), answer="Spoke with both"))
    assert new_mails() == {"teacher": 1, "co_teacher": 1}


def test_what_is_for_the_leader_is_mailed_to_nobody_of_the_class(
    world: World, new_mails: Callable[[], dict[str, int]]
) -> None:
    with transaction(SYSTEM) as tx:
        tx.add(another_leader(world))
        tx.add(helping(world, "leader"))
    try:
        tell(child_of(world, world.own_class), GoesTo.LEADER)
        assert new_mails() == {"elsewhere": 1}
    finally:
        no_leader_more(world)


def test_a_leader_who_is_suspended_is_mailed_later(
    world: World, new_mails: Callable[[], dict[str, int]]
) -> None:
    tell(child_of(world, world.own_class), GoesTo.LEADER)
    with suspended(world, "leader"):
        assert new_mails() == {}
    # It waited for somebody who may read it.
    assert new_mails() == {"leader": 1}
    assert "leaders alone" in mails_of(world)["leader"][-1]


def test_without_anybody_in_charge_the_leader_is_mailed(
    world: World, new_mails: Callable[[], dict[str, int]]
) -> None:
    tell(child_of(world, world.own_class))
    with suspended(world, "teacher", "co_teacher"):
        assert new_mails() == {"leader": 1}


def test_the_web_says_of_nothing_that_it_was_mailed(world: World) -> None:
    tell(child_of(world, world.own_class))
    for column in ("mailed_at", "reminded_at"):
        with pytest.raises(SQLAlchemyError), transaction(world.sign_in("teacher")) as tx:
            tx.execute(update(Worry).values({column: clock.now()}))


def test_what_is_for_the_leader_no_grown_up_of_the_class_reads(world: World) -> None:
    tell(child_of(world, world.own_class), GoesTo.LEADER)
    assert {role for role in world.people if seen_by(world, role)} == {"leader"}
    with pytest.raises(NotFound):
        services.take_up(principal=world.sign_in("teacher"), worry=only_one().public_id)


def helping(world: World, role: str) -> TeachingRole:
    room = world.own_class
    return TeachingRole(
        school_id=room.school_id,
        classroom_id=room.id,
        account_id=world.people[role].id,
        role=TeachingRoleName.HELPER,
    )


def another_leader(world: World) -> Membership:
    """A second leader, of the home school alone."""
    return Membership(
        id=10**9,
        account_id=world.people["elsewhere"].id,
        school_id=world.home.id,
        role=Role.LEADER,
        created_at=clock.now(),
    )


def no_leader_more(world: World) -> None:
    """As before: no leader works in the class, and there is one."""
    with transaction(SYSTEM) as tx:
        tx.execute(delete(TeachingRole).where(TeachingRole.account_id == world.people["leader"].id))
        tx.execute(delete(Membership).where(Membership.id == 10**9))


def test_past_whom_a_child_tells_is_settled_when_it_tells(world: World) -> None:
    child = child_of(world, world.own_class)
    # Before: a leader who joins the class later still reads what was meant for the leaders.
    tell(child, GoesTo.LEADER, note="Before")
    with transaction(SYSTEM) as tx:
        tx.add(helping(world, "leader"))
    try:
        assert seen_by(world, "leader") == ["Before"]
        services.take_up(principal=world.sign_in("leader"), worry=only_one().public_id)
        # A leader who works in the class is one of its grown-ups: there is nobody past whom to tell.
        with pytest.raises(Rejected):
            tell(child, GoesTo.LEADER)
        with transaction(SYSTEM) as tx:
            tx.add(another_leader(world))
        tell(child, GoesTo.LEADER, note="Within")
        assert [sorted(filter(None, seen_by(world, role))) for role in ("leader", "elsewhere")] == [
            ["Before"],
            ["Before", "Within"],
        ]
        # And learns nothing by leaving it.
        with transaction(SYSTEM) as tx:
            tx.execute(delete(TeachingRole).where(TeachingRole.account_id == world.people["leader"].id))
        assert seen_by(world, "leader") == ["Before"]
        with transaction(world.sign_in("leader")) as tx:
            tx.execute(update(Worry).where(Worry.seen_at.is_(None)).values(seen_at=clock.now()))
        with transaction(SYSTEM) as tx:
            assert tx.scalars(select(Worry.note).where(Worry.seen_at.is_(None))).all() == ["Within"]
    finally:
        no_leader_more(world)


def test_without_a_leader_it_goes_to_nobody_in_secret(world: World, app: Flask) -> None:
    with pytest.raises(Rejected):
        tell(child_of(world, world.foreign_class), GoesTo.LEADER)
    browser = app.test_client()
    send(
        browser,
        "/join",
        {"code": world.foreign_class.code, "student": world.foreign_class.children[0].public_id},
    )
    page = browser.get("/student/tell").text
    assert ("goes_to" in page, "another grown-up whom you trust" in page) == (False, True)


def test_a_form_that_is_sent_twice_tells_once(world: World) -> None:
    who, form = child_of(world, world.own_class), str(uuid4())
    noted = trail()
    tell(who, form=form)
    tell(who, form=form)
    assert (len(seen_by(world, "teacher")), trail() - noted) == (1, 1)


def test_what_is_told_in_other_words_by_the_same_form_is_told_as_well(world: World) -> None:
    """Two taps on two pictures, the second sent while the first is not yet through."""
    who, form = child_of(world, world.own_class), str(uuid4())
    said: list[dict[str, str]] = [
        {"kind": WorryKind.STRANGE, "goes_to": GoesTo.TEACHER, "note": SECRET, "form": form},
        {"kind": WorryKind.UNKIND, "goes_to": GoesTo.TEACHER, "note": SECRET, "form": form},
        {"kind": WorryKind.STRANGE, "goes_to": GoesTo.LEADER, "note": SECRET, "form": form},
        {"kind": WorryKind.STRANGE, "goes_to": GoesTo.TEACHER, "note": "And more", "form": form},
    ]
    with ThreadPoolExecutor(1) as other:
        with transaction(who) as first:
            numbers = [services.add(first, **said[0])]
            with transaction(who) as second:
                numbers += [services.add(second, **each) for each in said[1:]]
            # The very same waits for the first, and finds it.
            again = other.submit(_told, who, said[0])
        assert again.result(timeout=10) is None
    assert None not in numbers
    assert len(seen_by(world, "leader")) == 4


def _told(who: Principal, said: dict[str, str]) -> int | None:
    with transaction(who) as tx:
        return services.add(tx, **said)


def test_a_child_tells_so_often(world: World) -> None:
    who = child_of(world, world.own_class)
    slow = Throttles(worry_student="2/hour")
    tell(who, throttles=slow)
    tell(who, throttles=slow)
    with pytest.raises(Throttled):
        tell(who, throttles=slow)
    assert len(seen_by(world, "teacher")) == 2


@pytest.mark.parametrize(
    ("kind", "note", "form"), [("x", "", ""), ("strange", "x" * 501, ""), ("strange", "", "x")]
)
def test_what_cannot_be_told(world: World, kind: str, note: str, form: str) -> None:
    with pytest.raises(Rejected):
        services.tell(
            principal=child_of(world, world.own_class),
            kind=kind,
            goes_to=GoesTo.TEACHER,
            note=note,
            form=form or str(uuid4()),
            throttles=NO_LIMIT,
        )


def test_a_child_reads_back_nothing_and_staff_tell_nothing(world: World) -> None:
    who = child_of(world, world.own_class)
    tell(who)
    with transaction(who) as tx:
        assert tx.execute(select(Worry)).all() == []
    with pytest.raises(SQLAlchemyError):
        tell(world.sign_in("teacher"))


def test_taken_up_once_and_closed_once(world: World) -> None:
    tell(child_of(world, world.own_class))
    worry = only_one().public_id
    services.take_up(principal=world.sign_in("co_teacher"), worry=worry)
    services.take_up(principal=world.sign_in("teacher"), worry=worry)
    teacher = world.sign_in("teacher")
    with pytest.raises(Rejected):
        services.close(principal=teacher, worry=worry, answer="  ")
    services.close(principal=teacher, worry=worry, answer="Spoke with both")
    with pytest.raises(Rejected):
        services.close(principal=teacher, worry=worry, answer="Once more")
    row = only_one()
    assert (row.seen_by, row.closed_by, row.answer) == (
        world.people["co_teacher"].id,
        world.people["teacher"].id,
        "Spoke with both",
    )
    with transaction(teacher) as tx:
        assert (queries.count_waiting(tx), len(queries.closed(tx))) == (0, 1)
    # Not even past the services.
    with pytest.raises(SQLAlchemyError), transaction(teacher) as tx:
        tx.execute(update(Worry).values(closed_at=None, answer=None))


def test_it_is_forgotten_after_six_months(world: World) -> None:
    tell(child_of(world, world.own_class))
    tell(child_of(world, world.own_class))
    with transaction(SYSTEM) as tx:
        oldest = select(Worry.id).order_by(Worry.id).limit(1).scalar_subquery()
        past = WORRIES.before(clock.now()) - timedelta(minutes=1)
        tx.execute(update(Worry).where(Worry.id == oldest).values(told_at=past))
    assert run_kinds(Purpose("test"), [WORRIES], rules=Rules(most_share=5)).gone == {"worries": 1}
    assert len(seen_by(world, "teacher")) == 1


def test_two_taps_and_the_teacher_answers(client: FlaskClient, world: World, app: Flask) -> None:
    send(client, "/join", {"code": world.own_class.code, "student": world.own_class.children[0].public_id})
    assert "/student/tell" in client.get("/student").text
    page = client.get("/student/tell").text
    number = page.partition('name="form" value="')[2][:36]
    sent = {"csrf_token": form_token(page), "kind": "strange", "form": number, "note": "x" * 501}
    answer = client.post("/student/tell", data=sent)
    assert (answer.status_code, "x" * 501 in answer.text, number in answer.text) == (422, True, True)
    answer = client.post("/student/tell", data={**sent, "note": SECRET})
    assert (answer.status_code, answer.location) == (303, "/student/told")
    assert "Thank you for telling" in client.get("/student/told").text

    teacher = signed_in(app, world, "teacher")
    inbox = teacher.get("/console/inbox/").text
    assert [each in inbox for each in ("Wilhelmina Quartermaine", ">New<", SECRET)] == [True, True, False]
    where = f"/console/inbox/worries/{only_one().public_id}"
    assert "wrote my name &lt;b&gt;" in teacher.get(where).text
    assert send(teacher, f"{where}/take-up", {}, page=where).location == where
    assert ">Seen<" in teacher.get("/console/inbox/").text
    assert send(teacher, f"{where}/close", {"answer": ""}, page=where).status_code == 422
    assert send(teacher, f"{where}/close", {"answer": "Washed it off"}, page=where).status_code == 303
    assert "Washed it off" in teacher.get(where).text


def test_signed_out_one_is_sent_to_the_code(client: FlaskClient) -> None:
    for path in ("/student/tell", "/student/told"):
        assert client.get(path).location == "/join"


def tell_page(browser: FlaskClient) -> dict[str, str]:
    """The form of the page, with words typed into it."""
    page = browser.get("/student/tell").text
    hidden = {name: re.findall(rf'name="{name}" value="([^"]*)"', page)[0] for name in ("form", "who")}
    return {"csrf_token": form_token(page), "kind": "strange", "note": SECRET, **hidden}


def come_in_as(browser: FlaskClient, room: Class, place: int) -> None:
    send(browser, "/join", {"code": room.code, "student": room.children[place].public_id})


def put_out() -> None:
    with transaction(SYSTEM) as tx:
        still_in = update(StudentSession).where(StudentSession.ended_at.is_(None))
        tx.execute(still_in.values(ended_at=clock.now()))


WORDS = escape(SECRET)


def test_what_was_typed_is_there_again_for_the_same_child_alone(client: FlaskClient, world: World) -> None:
    room = world.own_class
    come_in_as(client, room, 0)
    typed = tell_page(client)
    put_out()
    page = client.post("/student/tell", data=typed)
    assert (page.status_code, WORDS in page.text, "Come in again" in page.text) == (422, True, True)
    # It leaves the screen by itself, and neither a cookie nor an address holds it.
    assert page.headers["Refresh"] == "300; url=/join"
    assert (page.headers.getlist("Set-Cookie"), page.headers.get("Location")) == ([], None)
    assert WORDS in client.post("/student/tell", data=typed).text
    # Beside it another child comes in, and presses: it sees nothing of it, and sends nothing.
    come_in_as(client, room, 1)
    for token in (typed["csrf_token"], form_token(client.get("/student/tell").text)):
        answer = client.post("/student/tell", data={**typed, "csrf_token": token})
        assert (answer.location, WORDS in answer.text) == ("/student", False)
    assert seen_by(world, "teacher") == []
    come_in_as(client, room, 0)
    page = client.post("/student/tell", data=typed)
    assert (page.status_code, WORDS in page.text, "You are in again" in page.text) == (400, True, True)
    again = {**typed, "csrf_token": form_token(page.text)}
    assert client.post("/student/tell", data=again).location == "/student/told"
    assert seen_by(world, "teacher") == [SECRET]


def test_nobody_who_was_not_in_is_shown_what_was_sent(client: FlaskClient) -> None:
    token = form_token(client.get("/join").text)
    answer = client.post("/student/tell", data={"csrf_token": token, "kind": "strange", "note": SECRET})
    assert (answer.status_code, answer.location) == (303, "/join")

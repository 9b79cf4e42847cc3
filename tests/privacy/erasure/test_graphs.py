"""Random schools, erased in any order: exactly who should go goes, with all their rows, and nobody else's.

Each row that is put in says of whom it is. What is in the database after each erasure, all tables of it, is
compared with what sets on paper (`graphs`) say should be left.

`GRAPHS` says how many schools are tried (8 in CI, which are the same each time).
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from sqlalchemy import Table, func, insert, select, update

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.address_models import EmailChange, SignUp
from backoffice.accounts.addresses import email_index
from backoffice.accounts.care.models import Suspension
from backoffice.accounts.models import Account, AccountLink
from backoffice.accounts.tokens import token_digest
from backoffice.audit.models import AuditDetail
from backoffice.audit.trail import record
from backoffice.changes.models import ClassroomChange, SchoolChange, StudentChange
from backoffice.families.models import (
    GuardianInvitation,
    GuardianLink,
    GuardianStatus,
    StudentView,
    ViewerRole,
)
from backoffice.families.requests.models import GuardianRequest, RequestKind
from backoffice.jobs.models import JobRun
from backoffice.large_changes.models import LargeChange
from backoffice.outbox.models import MailContent, MailState, OutgoingMail
from backoffice.privacy.erasure import services
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.erasure.ledger import LedgerFile
from backoffice.privacy.erasure.models import AskedAs, MergedMark, Stage
from backoffice.privacy.erasure.plan import MODELS
from backoffice.privacy.holdings import Subject
from backoffice.runtime import Runtime
from backoffice.saved_views.models import SavedView, SharedWith
from backoffice.schools import names
from backoffice.schools.award_models import PointAward, Whom
from backoffice.schools.models import (
    Action,
    Classroom,
    ClassroomCode,
    District,
    Door,
    Enrollment,
    Membership,
    PointEntry,
    School,
    Student,
    TeachingRole,
)
from backoffice.schools.roster_models import ChangedHow, ChangeKind, RosterChange, RosterChangeStudent
from backoffice.staff.models import Invitation, InvitedAs
from backoffice.storage import about
from backoffice.storage.public_id import new_public_id
from backoffice.students.cards.models import StudentCard
from backoffice.students.tablet_models import ClassroomTablet
from backoffice.students.worries.models import GoesTo, Worry, WorryKind
from plugins.rosters.models import ImportSource, ImportState, RosterImport
from tests.contract.snapshot import Snapshots, snapshots
from tests.factories.world import SYSTEM
from tests.privacy.erasure.graphs import (
    Graph,
    Thing,
    account,
    classroom,
    district,
    graphs,
    school,
    student,
    things,
)

WHO = Purpose("test-graphs")
EXAMPLES = int(os.environ.get("GRAPHS", "8"))
# What an erasure writes besides: its own row, the ledger and the trail.
WRITTEN = {
    "app.erasure",
    "app.erasure_mark",
    "app.ledger_end",
    "app.audit_entry",
    "app.audit_detail",
    # Plugins hear of it, and have files destroyed.
    "app.job_run",
}
PLACE: dict[str, Any] = {"country": "US", "state": "CA", "time_zone": "UTC", "language": "en"}

Key = tuple[str, str]


@dataclass
class Stored:
    """One row as it was put in.

    It goes as soon as one of its `owners` does; a column of `mentions` is emptied as soon as one of these
    does.
    """

    owners: frozenset[Thing]
    mentions: dict[str, frozenset[Thing]] = field(default_factory=dict)


@dataclass
class Built:
    """A graph in the database."""

    graph: Graph
    numbers: dict[Thing, int] = field(default_factory=dict)
    public_ids: dict[Thing, str] = field(default_factory=dict)
    rows: dict[Key, Stored] = field(default_factory=dict)
    # Details of the trail: the school that they are of, and whom they are about.
    details: dict[int, tuple[Thing | None, frozenset[Thing]]] = field(default_factory=dict)
    # Where a place or a role of the graph is in the database.
    places: dict[Key, tuple[int, Thing]] = field(default_factory=dict)
    roles: dict[Key, tuple[int, int]] = field(default_factory=dict)

    def put(
        self,
        tx: Transaction,
        model: Any,
        owners: set[Thing],
        mentions: Mapping[str, set[Thing]] | None = None,
        **values: Any,
    ) -> dict[str, Any]:
        """A row of these; its values."""
        columns = model.__table__.c
        if "id" in columns:
            values.setdefault("id", tx.take_id(model))
        if "public_id" in columns:
            values.setdefault("public_id", new_public_id())
        for name in ("created_at", "at", "asked_at"):
            if name in columns:
                values.setdefault(name, clock.now())
        for name, of in (mentions or {}).items():
            if name not in values:
                (one,) = of
                values[name] = self.numbers[one]
        tx.execute(insert(model).values(values))
        told = {name: frozenset(of) for name, of in (mentions or {}).items()}
        self.rows[key_of(model.__table__, values)] = Stored(frozenset(owners), told)
        return values


def key_of(table: Any, values: Mapping[str, Any]) -> Key:
    """How a row is known."""
    found = [values[column.name] for column in table.primary_key]
    return str(table), json.dumps([str(each) for each in found])


class Database:
    """The database without any school, and with those of a graph; what erases in it.

    `empty` is settled to return to the one, with `built` is compared.
    """

    def __init__(self, eraser: Eraser, empty: Snapshots, built: Snapshots) -> None:
        self.eraser, self.empty, self.built = eraser, empty, built

    def __repr__(self) -> str:
        return "Database()"


@pytest.fixture(scope="module")
def database(runtime: Runtime, folder: Path) -> Iterator[Database]:
    made = eraser_of(runtime, WHO)
    ledger = LedgerFile(folder / "ledger-of-graphs")
    eraser = Eraser(WHO, made.tables, made.installed, ledger, made.backups_kept)
    with snapshots(runtime) as empty, snapshots(runtime) as built:
        empty.keep()
        yield Database(eraser, empty, built)


# Seldom drawn: a child that has left all of its classes; a personal school with a heir, a guest and a class
# that only its teacher has; somebody who works in the district that goes, and in a school outside it.
OUTSTANDING = Graph(
    districts=1,
    schools=[0, None, None],
    personal={2: 0},
    statuses=["active", "dormant", "suspended", "active"],
    founders=set(),
    places={
        (0, school(2)): "sign-up",
        (1, school(2)): "invitation",
        (2, school(2)): "invitation",
        (3, district(0)): "invitation",
        (3, school(1)): "invitation",
        (1, school(0)): "invitation",
    },
    classes=[0, 0, 2, 2, 2],
    students=[0, 0, 0, 2, 2, 2],
    seats={
        (0, 0): False,
        (0, 1): False,
        (1, 0): True,
        (1, 1): False,
        (2, 0): True,
        (2, 1): True,
        (3, 2): True,
        (4, 3): True,
        (5, 2): True,
        (5, 4): False,
    },
    roles={
        (2, 0): "owner",
        (2, 1): "co_teacher",
        (2, 2): "co_teacher",
        (3, 0): "owner",
        (3, 2): "co_teacher",
        (4, 1): "owner",
    },
    guardians={(1, 2), (3, 1)},
    order=[classroom(0), account(0), account(1), district(0)],
)


@example(graph=OUTSTANDING)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="GRAPHS" not in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(graph=graphs())
def test_exactly_who_should_go_goes(graph: Graph, database: Database) -> None:
    # It changes, and an example may be tried again.
    graph = deepcopy(graph)
    try:
        made = build(graph)
        database.built.keep()
        for thing in graph.order:
            if graph.there(thing):
                graph.erase(thing)
                done = services.erase(
                    eraser=database.eraser,
                    subject=thing.kind,
                    public_id=made.public_ids[thing],
                    asked_as=AskedAs.COMMAND,
                )
                assert done.stage == Stage.VERIFIED
                compare(made, database.built, database.eraser.tables)
    finally:
        database.empty.settle()


def compare(made: Built, built: Snapshots, all_tables: Sequence[Table]) -> None:
    """What is in the database with what should be left, table by table and row by row."""
    tables = {str(table): table for table in all_tables}
    now = built._rows(built.tables)
    graph = made.graph
    for name, before in built._base.items():
        table = tables.get(name)
        if table is None:
            # Which migrations there were.
            assert now[name] == before, name
            continue
        rows = {key_of(table, row): row for row in map(json.loads, now[name].values())}
        old = {key_of(table, row): row for row in map(json.loads, before.values())}
        if name == "app.audit_detail":
            others = {key for key in old if entry_of(key) not in made.details}
            assert others <= rows.keys(), name
            assert details_left((old.keys() & rows.keys()) - others) == details_due(made), name
            continue
        gone = {
            key
            for key in old
            if key in made.rows and any(not graph.there(each) for each in made.rows[key].owners)
        }
        assert old.keys() - rows.keys() == gone, f"gone and left of {name}"
        if name == "app.ownerless_class":
            assert rows.keys() - old.keys() == {
                key_of(table, _of_class(made, room)) for room in graph.ownerless
            }
        elif name not in WRITTEN:
            assert rows.keys() <= old.keys(), f"new in {name}"
        for key in rows.keys() & old.keys():
            due, changed = expected(made, key, old[key])
            assert {k: v for k, v in rows[key].items() if k not in changed} == {
                k: v for k, v in due.items() if k not in changed
            }, key
            assert all(rows[key][each] != old[key][each] for each in changed), key
    whole = "\n".join(row for rows in now.values() for row in rows.values())
    assert not {made.public_ids[each] for each in graph.gone if made.public_ids[each] in whole}


def expected(made: Built, key: Key, row: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """A row as it should be now; and which columns should be sealed anew."""
    graph = made.graph
    due = dict(row)
    if key in made.rows:
        for column, of in made.rows[key].mentions.items():
            if any(not graph.there(each) for each in of):
                due[column] = None
    if key in made.places:
        due["origin"] = graph.places[made.places[key]]
    if key in made.roles:
        role = graph.roles[made.roles[key]]
        if role != due["role"]:
            # The database notes by which way somebody came to it.
            due |= {"role": role, "origin": WHO.name}
    if key[0] == "app.classroom" and any(made.rows[key].owners >= {classroom(n)} for n in graph.shut):
        due["door"] = Door.CLOSED
    renamed = {school(number) for number in graph.renamed}
    if key[0] == "app.school" and any(made.rows[key].owners <= {each} for each in renamed):
        return due, {"name"}
    return due, set()


def entry_of(key: Key) -> int:
    """Which entry of the trail a detail is of."""
    return int(json.loads(key[1])[0])


def details_left(keys: set[Key]) -> dict[int, set[tuple[str, int]]]:
    """The details of the trail that are there, with the numbers that they tell."""
    wanted = {entry_of(key) for key in keys}
    with transaction(SYSTEM) as tx:
        rows = tx.scalars(select(AuditDetail).where(AuditDetail.entry_id.in_(wanted)))
        return {
            row.entry_id: {
                (name, number)
                for name, value in row.detail.items()
                if name != "actor"
                for number in (value if isinstance(value, list) else [value])
            }
            for row in rows
        }


def details_due(made: Built) -> dict[int, set[tuple[str, int]]]:
    """Those that should be: of no school that went, about somebody who is there."""
    due = {}
    for entry, (of, whom) in made.details.items():
        left = {each for each in whom if made.graph.there(each)}
        if left and (of is None or made.graph.there(of)):
            due[entry] = {(f"{each.kind}s", made.numbers[each]) for each in left}
    return due


def build(graph: Graph) -> Built:
    """Put everything of a graph into the database, with rows in most tables that hold something about it."""
    made = Built(graph)
    with transaction(SYSTEM) as tx:
        for number in range(len(graph.statuses)):
            _account(tx, made, number)
        for number in range(graph.districts):
            whole = made.put(tx, District, {district(number)}, name=f"District {number}", **PLACE)
            _known(made, district(number), whole)
        for number in range(len(graph.schools)):
            _school(tx, made, number)
        for (who, place), origin in graph.places.items():
            column = "school_id" if place.kind is Subject.SCHOOL else "district_id"
            where: dict[str, Any] = {column: made.numbers[place]}
            row = made.put(
                tx,
                Membership,
                {account(who), place},
                account_id=made.numbers[account(who)],
                role="leader" if place.kind is Subject.DISTRICT else "teacher",
                **where,
            )
            tx.execute(update(Membership).where(Membership.id == row["id"]).values(origin=origin))
            made.places[key_of(Membership.__table__, row)] = (who, place)
        for number in range(len(graph.classes)):
            _classroom(tx, made, number)
        for (room, who), role in graph.roles.items():
            row = made.put(
                tx,
                TeachingRole,
                {account(who), classroom(room), school(graph.classes[room])},
                **_of_class(made, room),
                account_id=made.numbers[account(who)],
                role=role,
            )
            made.roles[key_of(TeachingRole.__table__, row)] = (room, who)
        for number in range(len(graph.students)):
            _student(tx, made, number)
        for (child, room), still in graph.seats.items():
            _seat(tx, made, child, room, still=still)
        for child, who in graph.guardians:
            _guardian(tx, made, child, who)
        _beside(tx, made)
    return made


def _known(made: Built, thing: Thing, row: Mapping[str, Any]) -> None:
    made.numbers[thing], made.public_ids[thing] = row["id"], row["public_id"]


def _of_class(made: Built, room: int) -> dict[str, Any]:
    return {
        "school_id": made.numbers[school(made.graph.classes[room])],
        "classroom_id": made.numbers[classroom(room)],
    }


def _somebody(made: Built, number: int) -> Thing:
    """An account that has done something: one or the other."""
    return account(number % len(made.graph.statuses))


def _account(tx: Transaction, made: Built, number: int) -> None:
    me, now, word = account(number), clock.now(), uuid4().hex
    email = f"{word}@people.example"
    row = made.put(
        tx,
        Account,
        {me},
        email=email,
        email_index=email_index(email),
        name=f"Person {number}",
        founder=number in made.graph.founders,
        status=made.graph.statuses[number],
        language="en",
        time_zone="UTC",
        security_epoch=1,
    )
    _known(made, me, row)
    link: dict[str, Any] = {"purpose": "reset", "security_epoch": 1, "expires_at": now + timedelta(hours=1)}
    made.put(tx, AccountLink, {me}, account_id=row["id"], token_digest=token_digest(word), **link)
    old = f"old-{email}"
    made.put(
        tx,
        EmailChange,
        {me},
        account_id=row["id"],
        email=f"new-{email}",
        email_index=email_index(f"new-{email}"),
        old_email=old,
        old_email_index=email_index(old),
        security_epoch=1,
        expires_at=now + timedelta(days=1),
        token_digest=token_digest(f"new {word}"),
    )
    # To the same address before there was an account: nothing but the address leads to it.
    made.put(
        tx,
        SignUp,
        {me},
        email=email,
        email_index=email_index(email),
        name=f"Person {number}",
        token_digest=token_digest(f"sign up {word}"),
        expires_at=now + timedelta(days=1),
        **PLACE,
    )
    made.put(tx, SavedView, {me}, account_id=row["id"], grid="students", name="Mine", **VIEW)
    made.put(
        tx,
        JobRun,
        set(),
        {"asked_by": {me}},
        job="trust.check",
        asked="person",
        state="waiting",
        attempt=1,
    )


VIEW: dict[str, Any] = {
    "state": "sort=-name",
    "shared_with": SharedWith.NOBODY,
    "is_default": False,
    "pinned": False,
}


def _school(tx: Transaction, made: Built, number: int) -> None:
    me, above = school(number), made.graph.schools[number]
    row = made.put(
        tx,
        School,
        {me},
        name=f"School {number}",
        kind="personal" if number in made.graph.personal else "school",
        district_id=None if above is None else made.numbers[district(above)],
        school_days=["mon"],
        **PLACE,
    )
    _known(made, me, row)
    of: dict[str, Any] = {"school_id": row["id"]}
    difference = {"before": "1", "after": "2"}
    by = _somebody(made, number)
    made.put(tx, SchoolChange, {me}, {"by": {by}}, **of, field="days", difference=difference)
    email = f"{uuid4().hex}@people.example"
    made.put(
        tx,
        Invitation,
        {me},
        {"invited_by": {by}},
        **of,
        email=email,
        email_index=email_index(email),
        name="Somebody Invited",
        role=InvitedAs.TEACHER,
        token_digest=token_digest(email),
        expires_at=clock.now() + timedelta(days=1),
    )
    made.put(
        tx,
        Suspension,
        {me, by},
        {"suspended_by": {_somebody(made, number + 1)}},
        **of,
        account_id=made.numbers[by],
        whole=False,
        was="active",
        reason="asked",
        suspended_at=clock.now(),
    )
    # Shared with the school, it stays with it.
    made.put(
        tx,
        SavedView,
        {me},
        {"account_id": {by}},
        **of,
        grid="teachers",
        name="Ours",
        **VIEW | {"shared_with": SharedWith.SCHOOL},
    )
    made.put(
        tx,
        RosterImport,
        {me},
        {"asked_by": {by}},
        **of,
        source=ImportSource.UPLOAD,
        state=ImportState.DONE,
        started_at=clock.now(),
        finished_at=clock.now(),
        done=1,
    )


def _classroom(tx: Transaction, made: Built, number: int) -> None:
    me, place = classroom(number), school(made.graph.classes[number])
    whole, now = {me, place}, clock.now()
    before = [n for n in range(number) if made.graph.classes[n] == place.number]
    follows = {"follows": {classroom(before[-1])}} if before else {}
    row = made.put(
        tx,
        Classroom,
        whole,
        follows,
        school_id=made.numbers[place],
        name=f"Class {number}",
        door=Door.OPEN,
        shared_devices=True,
    )
    _known(made, me, row)
    of, by = _of_class(made, number), _somebody(made, number)
    code = uuid4().hex
    made.put(
        tx,
        ClassroomCode,
        whole,
        {"issued_by": {by}},
        **of,
        kind="standing",
        code=code[:8],
        code_index=token_digest(code)[:16],
        issued_at=now,
    )
    made.put(
        tx,
        ClassroomTablet,
        whole,
        {"paired_by": {by}},
        **of,
        label="Tablet",
        pairing_until=now,
        token_digest=token_digest(f"tablet {code}"),
        paired_at=now,
        # One in use ends when whoever paired it loses the class, which is another rule.
        voided_at=now,
        expires_at=now + timedelta(days=3),
    )
    difference = {"before": "1", "after": "2"}
    made.put(tx, ClassroomChange, whole, {"by": {by}}, **of, field="name", difference=difference)
    made.put(tx, Action, whole, **of, label="Praise", icon="star", value=1)


def _student(tx: Transaction, made: Built, number: int) -> None:
    me, place = student(number), school(made.graph.students[number])
    whole, now = {me, place}, clock.now()
    here = made.numbers[place]
    row = made.put(
        tx,
        Student,
        whole,
        school_id=here,
        given_name=f"Given{number}",
        family_name="Family",
        name_tokens=names.tokens(f"Given{number}", "Family", school_id=here),
    )
    _known(made, me, row)
    of: dict[str, Any] = {"school_id": here, "student_id": row["id"]}
    by = _somebody(made, number)
    difference = {"before": ["A", "B"], "after": ["C", "D"]}
    made.put(tx, StudentChange, whole, {"by": {by}}, **of, field="name", difference=difference)
    email = f"{uuid4().hex}@people.example"
    made.put(
        tx,
        GuardianInvitation,
        whole,
        {"invited_by": {by}},
        **of,
        email=email,
        email_index=email_index(email),
        name="Gwen Guardian",
        token_digest=token_digest(email),
        expires_at=now + timedelta(days=1),
    )
    made.put(tx, MergedMark, whole, **of, mark=uuid4(), number=tx.take_id(Student))
    made.put(tx, StudentView, whole, {"viewer_id": {by}}, **of, role=ViewerRole.TEACHER)


def _seat(tx: Transaction, made: Built, child: int, room: int, *, still: bool) -> None:
    place = school(made.graph.classes[room])
    whole, now = {student(child), classroom(room), place}, clock.now()
    of = {**_of_class(made, room), "student_id": made.numbers[student(child)]}
    by = _somebody(made, child)
    action = tx.scalars(select(Action.id).where(Action.classroom_id == of["classroom_id"])).one()
    made.put(
        tx,
        Enrollment,
        whole,
        **of,
        avatar="owl-plum",
        balance=0,
        joined_at=now,
        ended_at=None if still else now,
    )
    made.put(tx, PointEntry, whole, {"awarded_by": {by}}, **of, action_id=action, value=1, awarded_at=now)
    made.put(
        tx,
        StudentCard,
        whole,
        {"issued_by": {by}},
        **of,
        secret_digest=token_digest(uuid4().hex),
        issued_at=now,
    )
    made.put(
        tx,
        Worry,
        whole,
        {"seen_by": {by}},
        **of,
        kind=WorryKind.UNKIND,
        goes_to=GoesTo.TEACHER,
        note="Worry",
        form=uuid4(),
        told_at=now,
        seen_at=now,
    )


def _guardian(tx: Transaction, made: Built, child: int, who: int) -> None:
    place = school(made.graph.students[child])
    whole = {student(child), place, account(who)}
    of: dict[str, Any] = {
        "school_id": made.numbers[place],
        "student_id": made.numbers[student(child)],
        "account_id": made.numbers[account(who)],
    }
    approved = {"status": GuardianStatus.APPROVED, "told": GuardianStatus.APPROVED}
    by = _somebody(made, who + 1)
    made.put(
        tx, GuardianLink, whole, {"approved_by": {by}}, **of, name="Pia", **approved, approved_at=clock.now()
    )
    made.put(tx, GuardianRequest, whole, **of, kind=RequestKind.CORRECT, note="Please")


def _beside(tx: Transaction, made: Built) -> None:
    """What no key leads to: choices of children, sealed texts that name somebody, and the trail."""
    graph, now = made.graph, clock.now()
    for room in range(len(graph.classes)):
        place = school(graph.classes[room])
        by, of = _somebody(made, room), _of_class(made, room)
        action = tx.scalars(select(Action.id).where(Action.classroom_id == of["classroom_id"])).one()
        seated = {student(child) for child, c in graph.seats if c == room}
        made.put(
            tx,
            PointAward,
            {classroom(room), place},
            {"awarded_by": {by}, "chosen": seated},
            **of,
            action_id=action,
            whom=Whom.CHOSEN,
            form=uuid4(),
            chosen=uuid4(),
            awarded_at=now,
        )
        _mail(tx, made, by, place, classroom(room))
        _view(tx, made, by, classroom(room))
        others = [n for n in range(room) if graph.classes[n] == graph.classes[room]]
        change: dict[str, Any] = {"kind": ChangeKind.ADD}
        if others:
            change = {"kind": ChangeKind.MOVE_IN, "other_classroom_id": made.numbers[classroom(others[-1])]}
        whole = {classroom(room), place, *(classroom(n) for n in others[-1:])}
        made.put(tx, RosterChange, whole, {"by": {by}}, **of, **change)
        for seat in sorted(seated)[:2]:
            made.put(
                tx,
                RosterChangeStudent,
                whole | {seat},
                **of,
                student_id=made.numbers[seat],
                how=ChangedHow.BACK,
            )
        _record(tx, made, place, {classroom(room)})
        _record(tx, made, place, {*seated, classroom(room)})
    for child in range(len(graph.students)):
        place, by = school(graph.students[child]), _somebody(made, child)
        _mail(tx, made, by, place, student(child))
        _view(tx, made, by, student(child))
        _record(tx, made, place, {student(child)})
        _record(tx, made, place, {student(child), by})
        asked = {"values": [["student", made.public_ids[student(child)]]], "seen": ""}
        made.put(
            tx,
            LargeChange,
            {by, student(child)},
            account_id=made.numbers[by],
            grid="console_students",
            action="leave",
            asked=asked,
            about=about.named_in(asked),
            fingerprint=uuid4().bytes,
            count=1,
            state="done",
            said={"sentence": "Done."},
            finished_at=now,
        )
    for who in range(len(graph.statuses)):
        _record(tx, made, None, {account(who)})
    _record(tx, made, None, {each for each in made.numbers if each.kind is Subject.ACCOUNT})


def _mail(tx: Transaction, made: Built, to: Thing, place: Thing, whom: Thing) -> None:
    """A mail that waits, to somebody, about somebody else."""
    now = clock.now()
    owners = {to, place, whom}
    row = made.put(
        tx,
        OutgoingMail,
        owners,
        name="core.plugin-switched",
        account_id=made.numbers[to],
        school_id=made.numbers[place],
        state=MailState.QUEUED,
        rank=0,
        attempts=0,
        maybe_twice=False,
        next_try_at=now,
        give_up_at=now + timedelta(days=1),
    )
    made.put(
        tx,
        MailContent,
        owners,
        mail_id=row["id"],
        recipient="somebody@people.example",
        message=b"Subject: About somebody",
        about=about.marks(whom.kind, [made.numbers[whom]]),
    )


def _view(tx: Transaction, made: Built, of: Thing, whom: Thing) -> None:
    """A list of somebody's that is narrowed to somebody else."""
    usual: dict[str, Any] = VIEW | {"state": f"of={made.public_ids[whom]}"}
    made.put(
        tx,
        SavedView,
        {of, whom},
        account_id=made.numbers[of],
        grid="students",
        name=f"Narrowed to {whom}",
        about=[about.outside(made.public_ids[whom])],
        **usual,
    )


def _record(tx: Transaction, made: Built, place: Thing | None, whom: set[Thing]) -> None:
    """A line of the trail about these."""
    told: dict[str, list[int]] = {}
    for each in sorted(whom):
        told.setdefault(f"{each.kind}s", []).append(made.numbers[each])
    record(tx, "tests.graph", school_id=made.numbers[place] if place else None, **told)
    entry = tx.scalar(select(func.max(AuditDetail.entry_id)))
    assert entry is not None
    made.details[entry] = (place, frozenset(whom))


def test_every_kind_of_subject_is_in_a_graph() -> None:
    assert {each.kind for n in Subject for each in things(n, [0])} == set(MODELS)

"""Charts of the first page by day and hour: sign-ins, failures of jobs, mails; and the work that waits."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from sqlalchemy import delete, insert, select

from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.accounts.care.models import EventKind, SecurityEvent
from backoffice.accounts.care.tiles import TILES as EVENT_TILES
from backoffice.accounts.models import Account
from backoffice.jobs.models import JobRun, RunState
from backoffice.jobs.tiles import TILES as JOB_TILES
from backoffice.outbox.models import MailState, OutgoingMail
from backoffice.outbox.tiles import TILES as MAIL_TILES
from backoffice.schools.models import ClassroomCode, Enrollment
from backoffice.storage.public_id import new_public_id
from backoffice.students import tiles as sign_in_tiles
from backoffice.students.models import StudentSession
from backoffice.tiles import Chart, Number
from tests.factories.visitor import signed_in
from tests.factories.world import SYSTEM, Class, World

NOW = datetime(2027, 3, 10, 12, 30, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def _at_noon(world: World) -> Iterator[None]:
    """Nothing has run, no mail has left, and nobody has signed in."""
    del world
    with time_machine.travel(NOW, tick=False):
        with transaction(SYSTEM) as tx:
            for model in (JobRun, OutgoingMail, StudentSession):
                tx.execute(delete(model))
        yield


def came_in(room: Class, *moments: datetime) -> None:
    with transaction(SYSTEM) as tx:
        seat = tx.execute(
            select(Enrollment.student_id).where(
                Enrollment.classroom_id == room.id, Enrollment.ended_at.is_(None)
            )
        ).first()
        assert seat is not None
        code = tx.scalar(select(ClassroomCode.id).where(ClassroomCode.classroom_id == room.id).limit(1))
        for at in moments:
            tx.execute(
                insert(StudentSession).values(
                    school_id=room.school_id, token_id=uuid4(), classroom_id=room.id, code_id=code,
                    student_id=seat.student_id, started_at=at, last_seen_at=at, idle_minutes=5,
                    expires_at=at + timedelta(hours=1),
                )
            )  # fmt: skip


def asked(who: Principal, name: str, tiles: Any) -> Chart | Number | None:
    with transaction(who) as tx:
        found: Chart | Number | None = next(tile for tile in tiles if tile.name == name).load(tx)
    return found


def bars(who: Principal, name: str, tiles: Any) -> dict[str, int]:
    chart = asked(who, name, tiles)
    assert isinstance(chart, Chart)
    return {each.title: each.value for each in chart.amounts if each.value}


def test_sign_ins_are_counted_by_the_readers_day_in_the_schools_that_are_led(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    leader = world.sign_in("leader")
    zone = ZoneInfo(leader.time_zone)
    midnight = NOW.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    before, last = midnight - timedelta(minutes=1), midnight - timedelta(days=13)
    assert "Sign-ins of students by day" not in signed_in(app, world, "leader").get("/console/").text
    came_in(world.own_class, midnight, midnight, before, last, last - timedelta(minutes=1))
    came_in(world.foreign_class, midnight)
    days = [(midnight - timedelta(days=back)).astimezone(zone) for back in (13, 1, 0)]
    named = [f"{day:%A}, {day.day} {day:%B}" for day in days]
    assert bars(leader, "sign-ins", sign_in_tiles.TILES) == dict(zip(named, (1, 1, 2), strict=True))
    page = signed_in(app, world, "leader").get("/console/").text
    assert "4 in 14 days" in page
    assert "Sign-ins of students by day" in page
    # Others who see the students lead no school; and of very many schools nothing is counted.
    for role in ("teacher", "officer", "founder"):
        assert asked(world.sign_in(role), "sign-ins", sign_in_tiles.TILES) is None
    monkeypatch.setattr(sign_in_tiles, "MOST", 2)
    chart = asked(leader, "sign-ins", sign_in_tiles.TILES)
    assert isinstance(chart, Chart)
    assert chart.note == "more than 4 in 14 days"
    monkeypatch.setattr(sign_in_tiles, "MOST_SCHOOLS", 1)
    assert asked(leader, "sign-ins", sign_in_tiles.TILES) is None


def test_failures_of_all_jobs_are_told_by_day_and_what_waits_with_the_oldest(
    app: Flask, world: World
) -> None:
    founder = world.sign_in("founder")
    nothing = asked(founder, "jobs-waiting", JOB_TILES)
    assert nothing == Number(0)
    assert "Failed runs of jobs by day" not in signed_in(app, world, "founder").get("/console/").text
    runs = (
        ("core.send-mail", RunState.FAILED, 1),
        ("trust.check", RunState.LOST, 1),
        ("trust.check", RunState.SUCCEEDED, 1),
        ("core.send-mail", RunState.FAILED, 24 * 14),
        ("core.send-mail", RunState.WAITING, 0),
        ("core.write-letters", RunState.WAITING, 2),
        ("core.was-once", RunState.WAITING, 9),
    )
    with transaction(SYSTEM) as tx:
        for job, state, hours in runs:
            at = NOW - timedelta(hours=hours)
            ended = None if state == RunState.WAITING else at
            tx.execute(
                insert(JobRun).values(
                    job=job, state=state, asked="schedule", attempt=1, asked_at=at, started_at=ended,
                    finished_at=ended,
                )
            )  # fmt: skip
    day = (NOW - timedelta(hours=1)).astimezone(ZoneInfo(founder.time_zone))
    assert bars(founder, "jobs-failed", JOB_TILES) == {f"{day:%A}, {day.day} {day:%B}": 2}
    assert asked(founder, "jobs-waiting", JOB_TILES) == Number(2, "the oldest for 2 hours", "warn")
    page = signed_in(app, world, "founder").get("/console/").text
    assert re.search(r'dash-chart is-bad" aria-labelledby="tile-jobs-failed"', page)


def test_mails_that_left_are_told_by_hour_and_those_given_up_beside_them(app: Flask, world: World) -> None:
    founder = world.sign_in("founder")
    assert asked(founder, "mails-by-hour", MAIL_TILES) is None

    def ended(*mails: tuple[MailState, datetime | None]) -> None:
        with transaction(SYSTEM) as tx:
            for state, at in mails:
                tx.execute(
                    insert(OutgoingMail).values(
                        id=tx.take_id(OutgoingMail), public_id=new_public_id(), name="core.reset",
                        state=state, rank=0, attempts=1, maybe_twice=False, next_try_at=NOW,
                        give_up_at=NOW, created_at=NOW,
                        finished_at=at,
                    )
                )  # fmt: skip

    # None of all that were to leave has left.
    ended((MailState.FAILED, NOW - timedelta(hours=2)))
    page = signed_in(app, world, "founder").get("/console/").text
    assert ("Mails sent by hour" in page, "0 sent, 1 given up in 24 hours" in page) == (True, True)
    ended(
        (MailState.SENT, NOW),
        (MailState.SENT, NOW - timedelta(minutes=30)),
        (MailState.SENT, NOW - timedelta(minutes=31)),
        (MailState.QUEUED, None),
        (MailState.SENT, NOW - timedelta(hours=23, minutes=30)),
        (MailState.SENT, NOW - timedelta(hours=23, minutes=31)),
    )
    zone = ZoneInfo(founder.time_zone)
    hours = [
        datetime(2027, 3, day, hour, tzinfo=UTC).astimezone(zone)
        for day, hour in ((9, 13), (10, 11), (10, 12))
    ]
    named = [f"{hour:%A %H:%M}" for hour in hours]
    assert bars(founder, "mails-by-hour", MAIL_TILES) == dict(zip(named, (1, 1, 2), strict=True))
    assert "4 sent, 1 given up in 24 hours" in signed_in(app, world, "founder").get("/console/").text


def test_security_events_are_counted_by_the_hour_of_the_last_day(world: World) -> None:
    person = world.people["teacher"]
    founder = world.sign_in("founder")
    zone = ZoneInfo(founder.time_zone)
    this_hour = NOW.replace(minute=0)
    assert asked(founder, "events-by-hour", EVENT_TILES) is None
    with transaction(SYSTEM) as tx:
        public_id = tx.scalar(select(Account.public_id).where(Account.id == person.id))
        for at in (
            NOW,
            this_hour,
            this_hour - timedelta(minutes=1),
            this_hour - timedelta(hours=23),
            this_hour - timedelta(hours=23, minutes=1),
        ):
            tx.execute(
                insert(SecurityEvent).values(
                    public_id=new_public_id(), kind=EventKind.GUESSED, account_id=person.id,
                    account_public_id=public_id, opened_at=at, closed_at=NOW,
                )
            )  # fmt: skip
    hours = [(this_hour - timedelta(hours=back)).astimezone(zone) for back in (23, 1, 0)]
    named = [f"{hour:%A} {hour:%H:%M}" for hour in hours]
    assert bars(founder, "events-by-hour", EVENT_TILES) == dict(zip(named, (1, 1, 2), strict=True))
    chart = asked(founder, "events-by-hour", EVENT_TILES)
    assert isinstance(chart, Chart)
    assert chart.note == "4 in 24 hours"

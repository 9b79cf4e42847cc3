"""The promise that schools export and delete by themselves: it holds, and falls short when one waits."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import delete, insert

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.controls.check import Finding, Looking, State
from backoffice.privacy.erasure.models import AskedAs, Erasure, Stage
from backoffice.privacy.holdings import Subject
from backoffice.runtime import Runtime
from backoffice.storage.public_id import new_public_id
from plugins.exports import services
from plugins.exports.checks import export_and_deletion
from plugins.exports.models import ExportState
from tests.factories.world import SYSTEM, World
from tests.plugins.exports.conftest import change

Look = Callable[[], Finding]
Erased = Callable[..., None]
Ready = Callable[..., str]
DAY = timedelta(days=1)


@pytest.fixture
def look(app: Flask, runtime: Runtime, files: Path) -> Look:
    del files

    def found() -> Finding:
        with transaction(Purpose("test")) as tx:
            return export_and_deletion(Looking(app, runtime.settings, tx))

    return found


@pytest.fixture
def erased() -> Iterator[Erased]:
    """Notes a deletion by a teacher that is done, or at another stage, confirmed so long ago."""
    made: list[str] = []

    def note(ago: timedelta = timedelta(), **other: object) -> None:
        made.append(new_public_id())
        now = clock.now()
        done = {"stage": Stage.VERIFIED, "verified_at": now, "receipt": "{}", "signature": b"x"}
        when = {"asked_at": now - ago, "confirmed_at": now - ago - timedelta(seconds=2)}
        of = {"subject": Subject.STUDENT, "asked_as": AskedAs.TEACHER}
        with transaction(SYSTEM) as tx:
            tx.execute(insert(Erasure).values(public_id=made[-1], **{**of, **when, **done, **other}))

    yield note
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Erasure).where(Erasure.public_id.in_(made)))


def test_nothing_shows_it_before_there_was_an_export_and_a_deletion(
    look: Look, ready: Ready, erased: Erased
) -> None:
    assert look().state is State.NOT_EXERCISED
    ready()
    assert look().state is State.NOT_EXERCISED
    erased()
    assert look().state is State.HOLDS


def test_it_says_how_many_there_were_and_how_long_they_took(look: Look, ready: Ready, erased: Erased) -> None:
    today = f"{clock.now():%Y-%m-%d}"
    change(ready(), asked_at=clock.now() - timedelta(seconds=90), ready_at=clock.now())
    ready("leader")
    erased()
    # Nobody asked for that.
    erased(asked_as=AskedAs.CANARY, confirmed_at=clock.now() - timedelta(hours=3))
    finding = look()
    assert finding.state is State.HOLDS
    assert finding.evidence == (
        f"2 exports of 30 days, the last on {today}, the slowest took 90 s; 1 deletion of 30 days, the last"
        f" on {today}, the slowest took 2 s; 0 under way, none late."
    )


@pytest.mark.parametrize("state", [ExportState.QUEUED, ExportState.MAKING])
def test_one_that_waits_for_longer_falls_short(
    look: Look, world: World, ready: Ready, erased: Erased, state: ExportState
) -> None:
    ready()
    erased()
    asked = services.ask(
        principal=world.sign_in("teacher"), subject=Subject.CLASSROOM, public_id=world.own_class.public_id
    )
    change(asked, state=state, asked_at=clock.now() - DAY + timedelta(minutes=1))
    assert look().state is State.HOLDS
    change(asked, asked_at=clock.now() - DAY - timedelta(minutes=1))
    assert look() == Finding(State.FALLS_SHORT, "1 export of 30 days not ready in time.")
    change(asked, state=ExportState.CANCELLED)
    assert look().state is State.HOLDS


def test_one_that_was_ready_late_falls_short_for_a_month(look: Look, ready: Ready, erased: Erased) -> None:
    erased()
    ready()
    late = ready()
    change(late, asked_at=clock.now() - 2 * DAY, ready_at=clock.now() - DAY + timedelta(minutes=1))
    assert look().state is State.FALLS_SHORT
    change(late, asked_at=clock.now() - 40 * DAY, ready_at=clock.now() - 38 * DAY)
    assert look().state is State.HOLDS


def test_one_that_failed_by_our_fault_falls_short_unless_another_came_in_time(
    look: Look, ready: Ready, erased: Erased
) -> None:
    erased()
    asked_at = clock.now() - 2 * DAY
    failed, again = ready(), ready()
    gone = {"state": ExportState.FAILED, "file": None, "ready_at": None, "asked_at": asked_at}
    change(failed, **gone, started_at=asked_at, ended_at=asked_at)
    assert look().state is State.FALLS_SHORT
    change(again, asked_at=asked_at + timedelta(hours=1), ready_at=asked_at + timedelta(hours=2))
    assert look().state is State.HOLDS
    change(again, ready_at=asked_at + timedelta(hours=25), asked_at=asked_at + timedelta(hours=2))
    assert look().state is State.FALLS_SHORT
    # Whoever may not take it along any more has nothing to wait for.
    change(failed, started_at=None)
    assert look().state is State.HOLDS


def test_a_deletion_that_waits_for_longer_falls_short(look: Look, ready: Ready, erased: Erased) -> None:
    ready()
    erased()
    waiting = {"stage": Stage.CONFIRMED, "verified_at": None, "receipt": None, "signature": None}
    erased(DAY - timedelta(minutes=1), **waiting)
    assert look().state is State.HOLDS
    erased(DAY + timedelta(minutes=1), **waiting)
    assert look() == Finding(State.FALLS_SHORT, "1 deletion confirmed and not done in time.")

"""The promises that addresses, logs and events are gone in time: each holds, and falls short when broken."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from sqlalchemy import insert

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.kinds import SESSIONS
from backoffice.audit.trail import record
from backoffice.controls.check import Finding, Looking, State
from backoffice.privacy.retention import kinds
from backoffice.runtime import Runtime
from backoffice.students.pins.models import PinOverride
from plugins.retention.checks import event_retention, log_retention
from tests.factories.world import SYSTEM, World
from tests.privacy.retention.conftest import Sessions

Look = Callable[..., Finding]


@pytest.fixture
def look(app: Flask, runtime: Runtime, world: World) -> Look:
    def found(check: Callable[[Looking], Finding], folder: Path | None = None) -> Finding:
        settings = runtime.settings.model_copy(update={"log_dir": folder})
        with transaction(Purpose("test")) as tx:
            return check(Looking(app, settings, tx))

    return found


def ago(**span: float) -> datetime:
    return SESSIONS.before(clock.now()) - timedelta(**span)


def test_both_hold_on_healthy_data(look: Look, sessions: Sessions) -> None:
    assert look(log_retention) == Finding(
        State.NOT_EXERCISED, "3 columns of network addresses, all empty; no log file here."
    )
    sessions(clock.now(), address="192.0.2.1")
    with transaction(SYSTEM) as tx:
        record(tx, "test.now")
    for check in (log_retention, event_retention):
        finding = look(check)
        assert finding.state is State.HOLDS, finding.evidence
    assert look(log_retention).evidence.startswith("3 columns of network addresses, the oldest is of ")


def test_an_address_older_than_six_months_and_a_day_falls_short(look: Look, sessions: Sessions) -> None:
    sessions(ago(hours=23), address="192.0.2.1")
    assert look(log_retention).state is State.HOLDS
    sessions(ago(hours=25))
    assert look(log_retention).state is State.HOLDS, "there is no address in it"
    sessions(ago(hours=25), address="192.0.2.1")
    finding = look(log_retention)
    assert (finding.state, finding.evidence) == (
        State.FALLS_SHORT,
        f"An address of {ago(hours=25):%Y-%m-%d} is left.",
    )


def test_a_column_of_addresses_of_no_kind_falls_short(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    without = {name: kind for name, kind in kinds.installed().items() if name != "child-sessions"}
    monkeypatch.setattr(kinds, "_kinds", without)
    assert look(log_retention) == Finding(
        State.FALLS_SHORT, "Nothing says how old an address is in: app.student_session.address."
    )


@pytest.mark.parametrize(("hours", "state"), [(23, State.HOLDS), (25, State.FALLS_SHORT)])
def test_a_log_file_with_older_lines_falls_short(
    look: Look, tmp_path: Path, hours: int, state: State
) -> None:
    line = f'{{"event": "request", "timestamp": "{ago(hours=hours).isoformat()}"}}\n'
    (tmp_path / "web-2026-05-01T00.log").write_text(line)
    assert look(log_retention, tmp_path).state is state


def test_a_log_file_that_is_no_log_is_as_old_as_it_is(look: Look, tmp_path: Path) -> None:
    (tmp_path / "web.log").write_text("hello\n")
    at = ago(hours=25).timestamp()
    os.utime(tmp_path / "web.log", (at, at))
    assert look(log_retention, tmp_path).state is State.FALLS_SHORT


@pytest.mark.parametrize(("hours", "state"), [(23, State.HOLDS), (25, State.FALLS_SHORT)])
def test_an_event_older_than_six_months_and_a_day_falls_short(
    look: Look, world: World, hours: int, state: State
) -> None:
    room = world.own_class
    with transaction(SYSTEM) as tx:
        tx.execute(
            insert(PinOverride).values(
                id=tx.take_id(PinOverride),
                school_id=room.school_id,
                classroom_id=room.id,
                student_id=room.children[0].id,
                made_at=ago(hours=hours),
                kind="cleared",
            )
        )
    finding = look(event_retention)
    assert finding.state is state
    if state is State.FALLS_SHORT:
        assert finding.evidence.startswith("Older than six months: cleared-pins, from ")


def test_the_promise_is_six_months_whatever_the_policy_says(look: Look, sessions: Sessions) -> None:
    sessions(datetime(2026, 1, 1, tzinfo=UTC), address="192.0.2.1")
    with time_machine.travel(datetime(2026, 7, 2, 1, tzinfo=UTC)):
        assert look(log_retention).state is State.FALLS_SHORT

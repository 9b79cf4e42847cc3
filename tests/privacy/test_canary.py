"""The made-up child of every night proves that erasing works, and says so when it does not."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, func, insert, select, update

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.models import Account
from backoffice.audit.trail import record
from backoffice.controls.check import Finding, Looking, State
from backoffice.outbox.models import OutgoingMail
from backoffice.privacy.canary import checks, jobs, trial
from backoffice.privacy.canary.trial import CanaryFailure, Trial, run_trial
from backoffice.privacy.erasure import services
from backoffice.privacy.erasure.erasing import Eraser, NotAllErased
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.erasure.ledger import LedgerFile
from backoffice.privacy.erasure.models import AskedAs, Canary, Erasure, ErasureOutside
from backoffice.runtime import Runtime
from backoffice.schools.models import Classroom, School, Student
from backoffice.storage.public_id import new_public_id
from tests.factories.world import SYSTEM, World

WHO = Purpose("test-canary")
FAILED = "The nightly test of erasing of {:%Y-%m-%d} failed: "
TABLES = (School, Account, Classroom, Student, OutgoingMail)


@pytest.fixture(scope="module")
def eraser(runtime: Runtime, tmp_path_factory: pytest.TempPathFactory) -> Eraser:
    made = eraser_of(runtime, WHO)
    return replace(made, ledger=LedgerFile(tmp_path_factory.mktemp("ledger")))


@pytest.fixture(autouse=True)
def _without_canaries() -> Iterator[None]:
    yield
    with transaction(SYSTEM) as tx:
        tx.execute(update(Canary).values(ended_at=clock.now(), begun_at=clock.now() - timedelta(days=90)))


def counts() -> dict[str, int]:
    with transaction(SYSTEM) as tx:
        return {str(each): tx.scalar(select(func.count()).select_from(each)) or 0 for each in TABLES}


def found(app: Flask, runtime: Runtime, check: Any) -> Finding:
    with transaction(SYSTEM) as tx:
        answer: Finding = check(Looking(app, runtime.settings, tx))
    return answer


def test_it_goes_all_the_way_and_leaves_nothing(
    app: Flask, runtime: Runtime, world: World, eraser: Eraser
) -> None:
    before = counts()
    ended = run_trial(app, eraser, runtime.settings)
    assert (ended.problem, ended.step) == (None, "account erased")
    assert counts() == before
    with transaction(SYSTEM) as tx:
        kinds = tx.scalars(
            select(Erasure.subject).where(Erasure.asked_as == AskedAs.CANARY).order_by(Erasure.id)
        ).all()
        receipt = tx.scalars(select(Erasure).where(Erasure.public_id == ended.receipt)).one()
    assert kinds[-3:] == ["student", "classroom", "account"]
    assert '"app.point_entry":1' in (receipt.receipt or "")
    assert '"app.student_session":1' in (receipt.receipt or "")
    finding = found(app, runtime, checks.teacher_deletion)
    assert finding.state is State.HOLDS
    assert f"On {ended.begun_at:%Y-%m-%d} a made-up child was added" in finding.evidence
    assert re.search(r"took \d+\.\d s\.$", finding.evidence)
    finding = found(app, runtime, checks.immediate_deletion)
    assert finding.state is State.NOT_EXERCISED
    assert re.search(r"a child's took \d+\.\d s at most; no restore drill", finding.evidence)


def test_what_a_killed_run_left_is_cleared_away(
    app: Flask, runtime: Runtime, world: World, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = counts()

    class Killed(BaseException):
        pass

    def kill(self: Trial) -> None:
        raise Killed

    for step in ("_make_class", "_give_point", "_erase_class"):
        with monkeypatch.context() as patched:
            patched.setattr(Trial, step, kill)
            with pytest.raises(Killed):
                run_trial(app, eraser, runtime.settings)
        assert counts() != before
        assert run_trial(app, eraser, runtime.settings).problem is None
        assert counts() == before
    with transaction(SYSTEM) as tx:
        said = tx.scalars(select(Canary.problem).where(Canary.problem.is_not(None))).all()
    assert said == ["It was interrupted."] * 3


def test_a_step_that_fails_is_told_and_cleared_away(
    app: Flask, runtime: Runtime, world: World, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = counts()
    monkeypatch.setattr(trial, "award_points", lambda **_said: 1 / 0)
    ended = run_trial(app, eraser, runtime.settings)
    assert ended.problem == "ZeroDivisionError after: child signed in."
    assert counts() == before
    for check in (checks.teacher_deletion, checks.immediate_deletion):
        finding = found(app, runtime, check)
        assert finding.state is State.FALLS_SHORT
        assert (
            finding.evidence
            == f"{FAILED.format(ended.begun_at)}it did not come to erasing what it had made up."
        )


def test_what_cannot_be_cleared_away_is_told_and_tried_again(
    app: Flask, runtime: Runtime, world: World, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = counts()

    def fail(*_said: Any) -> None:
        raise NotAllErased

    with monkeypatch.context() as patched:
        patched.setattr(trial, "award_points", lambda **_said: 1 / 0)
        patched.setattr(trial, "_clear", fail)
        ended = run_trial(app, eraser, runtime.settings)
    assert ended.problem is not None
    assert "could not be cleared away: NotAllErased" in ended.problem
    assert ended.ended_at is not None
    finding = found(app, runtime, checks.teacher_deletion)
    assert (
        finding.evidence == f"{FAILED.format(ended.begun_at)}what a test had made up could not all be erased."
    )
    assert counts() != before
    real, tried = trial._clear, list[str]()

    def fail_once(eraser: Eraser, address: str) -> None:
        tried.append(address)
        if len(tried) == 1:
            raise NotAllErased
        real(eraser, address)

    with monkeypatch.context() as patched:
        patched.setattr(trial, "_clear", fail_once)
        again = run_trial(app, eraser, runtime.settings)
    assert again.step == "account erased"
    assert "Of an earlier test" in (again.problem or "")
    assert run_trial(app, eraser, runtime.settings).problem is None
    assert counts() == before


@pytest.mark.parametrize(
    ("what", "problem"),
    [("table", "Left of a student after erasing it: app.audit_detail."), ("search", ": search.")],
)
def test_what_is_left_is_found(
    app: Flask,
    runtime: Runtime,
    world: World,
    eraser: Eraser,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    problem: str,
) -> None:
    """Something writes of the child while it is erased, where erasing does not look."""
    real, child = services.erase, world.own_class.children[0]

    def erase(**said: Any) -> Erasure:
        number, tokens = 0, []
        with transaction(SYSTEM) as tx:
            row = tx.scalars(select(Student).where(Student.public_id == said["public_id"])).one_or_none()
            if row is not None:
                number, tokens = row.id, row.name_tokens
        done: Erasure = real(**said)
        if number:
            with transaction(SYSTEM) as tx:
                if what == "table":
                    record(tx, "students.correct", student=number)
                else:
                    tx.execute(update(Student).where(Student.id == child.id).values(name_tokens=tokens))
        return done

    monkeypatch.setattr(services, "erase", erase)
    with transaction(SYSTEM) as tx:
        kept = tx.scalars(select(Student.name_tokens).where(Student.id == child.id)).one()
    try:
        ended = run_trial(app, eraser, runtime.settings)
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(update(Student).where(Student.id == child.id).values(name_tokens=kept))
    assert problem in (ended.problem or "")
    # Everybody reads that it failed and at what, and founders of which table.
    for check in (checks.teacher_deletion, checks.immediate_deletion):
        evidence = found(app, runtime, check).evidence
        assert evidence.startswith(f"{FAILED.format(ended.begun_at)}something was wrong when it erased")
        assert not re.search(r"app\.|search|Error|after:", evidence)


def test_founders_are_mailed_when_it_is_not_tried_again(
    app: Flask, runtime: Runtime, world: World, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every founder, and not before the last of the tries; nobody when it goes well."""

    def mailed() -> int:
        with transaction(SYSTEM) as tx:
            mails = select(func.count()).where(OutgoingMail.name.endswith("canary-failed"))
            return tx.scalar(mails) or 0

    monkeypatch.setattr(jobs, "eraser_of", lambda _runtime, _who: eraser)
    with transaction(SYSTEM) as tx:
        founders = tx.scalar(select(func.count()).where(Account.founder)) or 0
        # The world's own.
        tx.execute(update(Canary).values(begun_at=clock.now() - timedelta(days=9)))
    assert founders
    with monkeypatch.context() as patched:
        patched.setattr(trial, "award_points", lambda **_said: 1 / 0)
        for last, expected in ((False, 0), (True, founders)):
            with pytest.raises(CanaryFailure):
                jobs.try_out(Run(app, WHO, last))  # type: ignore[arg-type]
            assert mailed() == expected
    assert jobs.try_out(Run(app, WHO, last=True))  # type: ignore[arg-type]
    # Enough for an hour.
    assert jobs.try_out(Run(app, WHO, last=True)) == {}  # type: ignore[arg-type]
    assert mailed() == founders


def test_what_did_not_run_falls_short(app: Flask, runtime: Runtime, world: World) -> None:
    day = timedelta(days=1)
    for ended, said in ((True, "The last nightly test of erasing was on"), (False, "was interrupted.")):
        at = clock.now() - 3 * day
        with transaction(SYSTEM) as tx:
            tx.execute(update(Canary).values(begun_at=at - day, ended_at=at))
            tx.execute(
                insert(Canary).values(
                    public_id=new_public_id(), begun_at=at, step="exported", ended_at=at if ended else None
                )
            )
        finding = found(app, runtime, checks.teacher_deletion)
        assert finding.state is State.FALLS_SHORT
        assert said in finding.evidence


@dataclass
class Run:
    """A run of the job, as far as it asks."""

    app: Flask
    who: Purpose
    last: bool

    def say(self, sentence: str) -> None:
        """Said to nobody."""


def test_an_erasure_counts_from_the_end_of_its_hold(app: Flask, runtime: Runtime, world: World) -> None:
    now = clock.now()
    old = now - timedelta(days=40)
    waits = {"public_id": new_public_id(), "subject": "student", "subject_id": 4711, "asked_as": "teacher"}
    with transaction(SYSTEM) as tx:
        line = {"asked_at": old, "confirmed_at": old, "held_at": old, "noted_at": old}
        tx.execute(insert(Erasure).values(**waits, **line, stage="noted", freed_at=now))
        outside = {"erasure": waits["public_id"], "handler": "made.up", "reference": "cus", "tries": 0}
        tx.execute(insert(ErasureOutside).values(**outside, noted_at=old))
    here = update(Erasure).where(Erasure.public_id == waits["public_id"])

    def slowest(tx: Transaction) -> timedelta:
        longest = checks._slowest(Looking(app, runtime.settings, tx))
        assert longest is not None
        return longest

    try:
        assert "more than an" not in found(app, runtime, checks.immediate_deletion).evidence
        assert "not yet outside" not in found(app, runtime, checks.immediate_deletion).evidence
        with transaction(SYSTEM) as tx:
            tx.execute(here.values(stage="held", freed_at=None))
        assert "not yet outside" not in found(app, runtime, checks.immediate_deletion).evidence
        with transaction(SYSTEM) as tx:
            tx.execute(here.values(stage="noted", freed_at=now - timedelta(hours=2)))
        assert "more than an hour ago" in found(app, runtime, checks.immediate_deletion).evidence
        with transaction(SYSTEM) as tx:
            ended = {"verified_at": now, "receipt": '{"left":0,}', "signature": b"-"}
            tx.execute(here.values(stage="verified", subject_id=None, **ended))
            assert timedelta(hours=2) <= slowest(tx) < timedelta(days=1)
            tx.execute(here.values(freed_at=None))
            assert slowest(tx) == timedelta(days=40)
        # What was erased here long ago waits outside from then on.
        assert "not yet outside" in found(app, runtime, checks.immediate_deletion).evidence
    finally:
        with transaction(SYSTEM) as tx:
            told = update(ErasureOutside).where(ErasureOutside.erasure == waits["public_id"])
            tx.execute(told.values(done_at=now, reference=None))
            tx.execute(delete(Erasure).where(Erasure.public_id == waits["public_id"]))

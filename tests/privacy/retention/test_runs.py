"""Letting go of what is due: all that is older and nothing that is younger, in pieces, and told."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import ProgrammingError

from backoffice.access.policy import Denied
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.kinds import SESSIONS
from backoffice.audit.kinds import DETAILS
from backoffice.audit.models import AuditDetail, AuditEntry
from backoffice.audit.trail import record
from backoffice.outbox.models import OutgoingMail
from backoffice.privacy.retention import kinds, queries, runs, services
from backoffice.privacy.retention.kinds import Kind, Rows
from backoffice.privacy.retention.models import RetentionRun, RunState
from backoffice.privacy.retention.runs import Rules, outlook, run_kinds
from backoffice.privacy.retention.standing import ahead, standings
from backoffice.problems import Rejected
from backoffice.storage.public_id import new_public_id
from backoffice.students.kinds import WORRIES
from backoffice.students.worries.models import Worry
from tests.factories.world import SYSTEM, World
from tests.privacy.retention.conftest import Sessions

WHO = Purpose("test")
RULES = Rules(most_share=5)
SECOND = timedelta(seconds=1)
Left = Callable[[list[int]], list[int]]


def run(kind: Kind = SESSIONS, rules: Rules = RULES) -> int:
    return run_kinds(WHO, [kind], rules=rules).gone.get(kind.name, 0)


def told(kind: Kind = SESSIONS) -> list[RetentionRun]:
    with transaction(SYSTEM) as tx:
        own = select(RetentionRun).where(RetentionRun.kind == kind.name).order_by(RetentionRun.id)
        return list(tx.scalars(own))


# -- what goes


def test_what_is_older_goes_to_the_second_and_nothing_younger(
    now: datetime, sessions: Sessions, left: Left
) -> None:
    border = SESSIONS.before(now)
    made = sessions(border - SECOND, border, border + SECOND, now)
    assert run() == 1
    assert left(made) == made[1:]
    with time_machine.travel(now + SECOND, tick=False):
        assert run() == 1
    assert left(made) == made[2:]


def test_where_the_clock_of_a_session_stands_makes_no_difference(
    now: datetime, sessions: Sessions, left: Left
) -> None:
    border = SESSIONS.before(now)
    zones = [timezone(timedelta(hours=hours)) for hours in (-11, 0, 14)]
    made = sessions(*((border - SECOND).astimezone(zone) for zone in zones))
    kept = sessions(*(border.astimezone(zone) for zone in zones))
    assert run() == len(zones)
    assert left(made + kept) == kept


def test_a_session_that_was_ended_goes_by_its_last_use_alone(
    now: datetime, sessions: Sessions, left: Left
) -> None:
    border = SESSIONS.before(now)
    made = sessions(border + SECOND, ended_at=border - timedelta(days=9))
    assert run() == 0
    assert left(made) == made


def test_of_the_trail_the_details_go_and_the_entries_stay(now: datetime, world: World) -> None:
    midnight = DETAILS.before(now).replace(hour=0, minute=0)
    with time_machine.travel(midnight - SECOND, tick=False), transaction(SYSTEM) as tx:
        record(tx, "test.old", school_id=world.home.id)
    with time_machine.travel(midnight, tick=False), transaction(SYSTEM) as tx:
        record(tx, "test.young", school_id=world.home.id)
    run(DETAILS)
    with transaction(SYSTEM) as tx:
        entries = {row.verb: row.id for row in tx.execute(select(AuditEntry.verb, AuditEntry.id))}
        details = set(tx.scalars(select(AuditDetail.entry_id)))
    assert entries["test.old"] not in details
    assert entries["test.young"] in details


def test_of_each_kind_the_system_can_count_tell_and_take(world: World) -> None:
    """In a transaction that is undone: far ahead all is due."""
    far = datetime.fromisoformat("2199-01-01T00:00:00+00:00")
    for kind in kinds.installed().values():
        with transaction(WHO) as tx:
            found = outlook(tx, kind, at=far)
            queries.oldest(tx, kind)
            assert queries.total(tx, kind) == found.now
            if kind.by is None:
                # What is of two kinds went with the first.
                assert sum(taken(tx, rows, far) for rows in kind.rows) <= found.now
                assert not queries.is_due(tx, kind, before=far), kind.name
            tx.rollback()


def taken(tx: Transaction, rows: Rows, before: datetime) -> int:
    days = 0
    while rows.by_day and (dropped := queries.drop_days(tx, rows, before=before)):
        days += sum(each.amount for each in dropped)
    return days + queries.take(tx, rows, before=before)


# -- again, in pieces, after a kill


def test_a_second_run_finds_nothing_and_tells_nothing(now: datetime, sessions: Sessions) -> None:
    sessions(SESSIONS.before(now) - SECOND)
    assert run() == 1
    assert run() == 0
    assert [each.gone for each in told()] == [1]
    with time_machine.travel(now + timedelta(days=1), tick=False):
        run()
    assert [each.gone for each in told()] == [1, 0]


def test_it_goes_in_batches(now: datetime, sessions: Sessions, left: Left) -> None:
    border = SESSIONS.before(now)
    made = sessions(*(border - SECOND * number for number in range(8)))
    seen: list[int] = []
    done = run_kinds(WHO, [SESSIONS], rules=Rules(5, batch=3), progress=seen.append)
    assert (done.gone, len(seen), left(made)) == ({"adult-sessions": 7}, 3, made[:1])


def test_who_proposes_a_hold_waits_for_the_batch(
    now: datetime, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions(SESSIONS.before(now) - SECOND)
    whole, free = queries.take, list[bool]()
    lock = "select pg_try_advisory_xact_lock(hashtextextended('legal holds', 7203))"

    def take(*args: Any, **options: Any) -> int:
        with transaction(SYSTEM) as other:
            free.append(bool(other.scalar(text(lock))))
        return whole(*args, **options)

    monkeypatch.setattr(queries, "take", take)
    assert run() == 1
    with transaction(WHO) as tx:
        runs.forget(tx, SESSIONS)
    assert free
    assert not any(free)


def test_a_run_that_is_killed_in_the_middle_is_gone_on_with(
    now: datetime, sessions: Sessions, left: Left, monkeypatch: pytest.MonkeyPatch
) -> None:
    border = SESSIONS.before(now)
    made = sessions(*(border - SECOND * number for number in range(1, 8)))
    whole = queries.take
    taken: list[int] = []

    def killed(*args: object, **options: object) -> int:
        if len(taken) == 2:
            raise KeyboardInterrupt
        taken.append(whole(*args, **options))  # type: ignore[arg-type]
        return taken[-1]

    monkeypatch.setattr(queries, "take", killed)
    with pytest.raises(KeyboardInterrupt):
        run(rules=Rules(5, batch=3))
    (half,) = told()
    assert (half.state, half.gone, len(left(made))) == (RunState.RUNNING, 6, 1)
    monkeypatch.setattr(queries, "take", whole)
    with time_machine.travel(now + timedelta(hours=6), tick=False):
        assert run(rules=Rules(5, batch=3)) == 7
    (done,) = told()
    assert (done.id, done.state, done.gone, left(made)) == (half.id, RunState.DONE, 7, [])
    assert done.up_to == border


# -- what is told


def test_the_oldest_that_is_left_is_told(now: datetime, sessions: Sessions) -> None:
    with transaction(SYSTEM) as tx:
        before = queries.oldest(tx, SESSIONS)
    border = SESSIONS.before(now)
    sessions(border - SECOND, border + timedelta(days=3))
    run()
    (done,) = told()
    assert before is None or before > border + timedelta(days=3)
    assert (done.oldest, done.up_to, done.ended_at) == (border + timedelta(days=3), border, now)


def test_what_is_told_before_is_what_the_run_then_does(now: datetime, sessions: Sessions) -> None:
    border = SESSIONS.before(now)
    sessions(border - SECOND, border - timedelta(days=40), border, border + timedelta(days=2, hours=1))
    with transaction(SYSTEM) as tx:
        found = outlook(tx, SESSIONS, at=now)
    assert (found.now, found.days[0], found.days[2], found.soon) == (2, 1, 1, 2)
    assert run() == found.now
    for day, due in enumerate(found.days, start=1):
        with time_machine.travel(now + timedelta(days=day), tick=False):
            assert run() == due, day


def test_the_page_knows_what_was_told(now: datetime, sessions: Sessions) -> None:
    border = SESSIONS.before(now)
    sessions(border - SECOND, border + timedelta(days=1, hours=2), border + timedelta(days=29, hours=2))
    run()
    with transaction(SYSTEM) as tx:
        found = {each.kind.name: each for each in standings(tx)}
    ours = found["adult-sessions"]
    assert (ours.gone, ours.last_at, ours.next, ours.soon) == (1, now, 0, 2)
    assert (found["mails"].gone, found["mails"].last_at, found["mails"].waiting) == (0, None, None)
    days = ahead([ours])
    assert {day.isoformat(): count for day, count in days.items() if count} == {
        "2027-06-17": 1,
        "2027-07-14": 1,
    }
    with time_machine.travel(now + timedelta(days=5), tick=False):
        assert {day.isoformat(): count for day, count in ahead([ours]).items() if count} == {
            "2027-06-20": 1,
            "2027-07-14": 1,
        }


def test_what_a_job_lets_go_is_told_where_there_was_something(now: datetime, sessions: Sessions) -> None:
    sessions(SESSIONS.before(now) - SECOND)
    for gone in (1, 0):
        with transaction(SYSTEM) as tx:
            assert runs.forget(tx, SESSIONS) == gone
    assert [(each.gone, each.state, each.outlook) for each in told()] == [(1, RunState.DONE, None)]


def test_each_run_that_took_something_is_in_the_trail(now: datetime, sessions: Sessions) -> None:
    sessions(SESSIONS.before(now) - SECOND)
    with transaction(SYSTEM) as tx:
        before = tx.scalar(select(func.count()).where(AuditEntry.verb == "retention.run"))
    run()
    run()
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(func.count()).where(AuditEntry.verb == "retention.run")) == (before or 0) + 1


# -- much at once waits for a person


@pytest.fixture
def worries(now: datetime, world: World) -> Callable[[int, int], None]:
    """So many old and so many young things that a child told."""

    def make(old: int, young: int) -> None:
        child = world.own_class.children[0]
        with transaction(SYSTEM) as tx:
            tx.execute(delete(Worry))
            for number in range(old + young):
                values = {
                    "school_id": world.home.id,
                    "id": tx.take_id(Worry),
                    "public_id": new_public_id(),
                    "student_id": child.id,
                    "classroom_id": world.own_class.id,
                    "kind": "strange",
                    "goes_to": "teacher",
                    "form": uuid4(),
                    "told_at": WORRIES.before(now) - SECOND if number < old else now,
                }
                tx.execute(insert(Worry).values(**values))

    return make


def counted() -> int:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).select_from(Worry)) or 0


def test_a_run_that_would_take_much_of_peoples_work_pauses(
    worries: Callable[[int, int], None], world: World
) -> None:
    worries(21, 79)
    done = run_kinds(WHO, [WORRIES], rules=RULES)
    assert (done.gone, done.paused, counted()) == ({}, ["worries"], 100)
    assert run_kinds(WHO, [WORRIES], rules=RULES).paused == ["worries"]
    (waits,) = told(WORRIES)
    assert (waits.state, waits.due, waits.total, waits.ended_at) == (RunState.PAUSED, 21, 100, None)
    for role in ("leader", "teacher", "officer", "parent"):
        with pytest.raises(Denied):
            services.let_go_on(principal=world.sign_in(role), kind="worries", due=21)
    founder = world.sign_in("founder")
    for kind, due in (("worries", 20), ("mails", 21)):
        with pytest.raises(Rejected, match="does not wait"):
            services.let_go_on(principal=founder, kind=kind, due=due)
    services.let_go_on(principal=founder, kind="worries", due=21)
    with pytest.raises(Rejected, match="does not wait"):
        services.let_go_on(principal=founder, kind="worries", due=21)
    assert run_kinds(WHO, [WORRIES], rules=RULES).gone == {"worries": 21}
    assert counted() == 79


def test_what_was_not_seen_does_not_go_with_what_was(
    worries: Callable[[int, int], None], world: World, now: datetime
) -> None:
    worries(21, 79)
    run_kinds(WHO, [WORRIES], rules=RULES)
    with transaction(SYSTEM) as tx:
        tx.execute(update(Worry).where(Worry.told_at == now).values(told_at=WORRIES.before(now)))
    services.let_go_on(principal=world.sign_in("founder"), kind="worries", due=21)
    with time_machine.travel(now + SECOND, tick=False):
        assert run_kinds(WHO, [WORRIES], rules=RULES).gone == {"worries": 21}
        assert run_kinds(WHO, [WORRIES], rules=RULES).paused == ["worries"]
    assert counted() == 79


@pytest.mark.parametrize(
    ("old", "young", "rules", "gone"),
    [
        (20, 0, RULES, 20),
        (21, 0, Rules(100), 21),
        (21, 399, RULES, 21),
        (21, 398, RULES, None),
        (21, 0, Rules(5, go_ahead=True), 21),
    ],
)
def test_how_much_is_much(
    worries: Callable[[int, int], None], old: int, young: int, rules: Rules, gone: int | None
) -> None:
    worries(old, young)
    assert run_kinds(WHO, [WORRIES], rules=rules).gone.get("worries") == gone


def test_what_is_nobodys_work_goes_however_much_it_is(now: datetime, sessions: Sessions) -> None:
    sessions(*(SESSIONS.before(now) - SECOND for _ in range(50)))
    assert run() == 50


def paused_letters(world: World) -> int:
    mine = (OutgoingMail.account_id == world.people["founder"].id, OutgoingMail.name == "core.run-paused")
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).select_from(OutgoingMail).where(*mine)) or 0


def test_founders_are_told_once_of_a_run_that_waits(
    worries: Callable[[int, int], None], world: World
) -> None:
    before = paused_letters(world)
    worries(21, 79)
    for _ in range(3):
        assert run_kinds(WHO, [WORRIES], rules=RULES).paused == ["worries"]
    assert paused_letters(world) == before + 1


def test_a_run_waits_until_less_is_due(worries: Callable[[int, int], None], world: World) -> None:
    worries(30, 70)
    run_kinds(WHO, [WORRIES], rules=RULES)
    before = paused_letters(world)
    # A month later so much was told that it is no large share any more: that makes it no less.
    worries(30, 700)
    assert run_kinds(WHO, [WORRIES], rules=RULES).paused == ["worries"]
    assert counted() == 730
    worries(21, 500)
    done = run_kinds(WHO, [WORRIES], rules=RULES)
    assert (done.gone, done.paused, counted()) == ({"worries": 21}, [], 500)
    assert [each.state for each in told(WORRIES)] == [RunState.DONE, RunState.DONE]
    # The next that waits is a new one, of which founders are told anew.
    worries(30, 70)
    assert run_kinds(WHO, [WORRIES], rules=RULES).paused == ["worries"]
    assert paused_letters(world) == before + 1


def test_what_a_killed_run_left_keeps_nothing_from_waiting(world: World, now: datetime) -> None:
    kind = kinds.installed()["ownerless-classes"]
    few, before = Rules(5, few=0), paused_letters(world)
    with transaction(WHO) as tx:
        number = runs._open(tx, kind, RunState.RUNNING)
    assert number is not None
    with transaction(WHO) as tx:
        assert runs.may_go(tx, kind, 3, few, of=9) is None
    (row,) = told(kind)
    assert (row.state, row.due, row.total) == (RunState.PAUSED, 3, 9)
    assert paused_letters(world) == before + 1
    # Where it was not killed after all, it leaves alone what waits.
    runs._end(WHO, kind, number)
    assert run_kinds(WHO, [kind], rules=few).paused == [kind.name]
    assert run_kinds(WHO, [kind], rules=Rules(5, go_ahead=True)).paused == []
    with transaction(WHO) as tx:
        assert runs.may_go(tx, kind, 3, few, of=9) == kind.before(now)


def test_a_killed_run_of_a_kind_with_a_job_is_ended_by_the_next(world: World) -> None:
    kind = kinds.installed()["ownerless-classes"]
    with transaction(WHO) as tx:
        runs._open(tx, kind, RunState.RUNNING)
    run_kinds(WHO, [kind], rules=RULES)
    assert [each.state for each in told(kind)] == [RunState.DONE]


@pytest.mark.parametrize("kind", [SESSIONS, WORRIES], ids=["a run", "a run that waits"])
def test_of_two_runs_at_once_one_steps_aside(
    now: datetime,
    sessions: Sessions,
    worries: Callable[[int, int], None],
    monkeypatch: pytest.MonkeyPatch,
    kind: Kind,
) -> None:
    sessions(SESSIONS.before(now) - SECOND)
    worries(21, 79)
    whole = runs._open
    inner: list[runs.Outcome] = []

    def at_the_same_time(*args: Any, **options: Any) -> int | None:
        if not inner:
            # Another process begins after this one has looked, and before it writes.
            inner.append(runs.Outcome())
            inner[0] = run_kinds(WHO, [kind], rules=RULES)
        return whole(*args, **options)

    monkeypatch.setattr(runs, "_open", at_the_same_time)
    if kind is SESSIONS:
        monkeypatch.setattr(runs, "_end", lambda *_: (0, 0))
        assert run_kinds(WHO, [kind], rules=RULES).gone == {}
        assert inner[0].gone == {kind.name: 0}
    else:
        assert run_kinds(WHO, [kind], rules=RULES).paused == inner[0].paused == [kind.name]
    assert len(told(kind)) == 1


# -- what the web may not


@pytest.mark.parametrize(
    "statement",
    [
        "delete from app.audit_detail",
        "delete from app.retention_run",
        "update app.retention_run set state = 'released'",
        "insert into app.retention_run (kind, state, up_to, began_at, gone) select '', '', now(), now(), 0",
    ],
)
def test_the_web_takes_and_tells_nothing(world: World, statement: str) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction(world.sign_in("founder")) as tx,
    ):
        tx.execute(text(statement))


def test_a_run_is_told_for_good(world: World) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), transaction(SYSTEM) as tx:
        tx.execute(text("delete from app.retention_run"))

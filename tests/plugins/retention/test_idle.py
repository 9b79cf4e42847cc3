"""Teachers' accounts that nobody uses, over two years, beside an oracle that knows only the policy."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, update

from backoffice import clock
from backoffice.access.principal import Principal, Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account, AccountStatus
from backoffice.controls.check import Looking, State
from backoffice.outbox.models import MailState, OutgoingMail
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.erasure.ledger import LedgerFile
from backoffice.privacy.erasure.models import Erasure, Stage
from backoffice.privacy.holdings import Subject
from backoffice.privacy.retention.models import RetentionRun, RunState
from backoffice.privacy.retention.runs import Rules, release
from backoffice.runtime import Runtime
from backoffice.schools.models import Membership, Role
from backoffice.settings import Sessions
from backoffice.storage.public_id import new_public_id
from backoffice.students import services as students
from backoffice.students.models import StudentSession
from backoffice.throttles.visitor import Visitor
from plugins.retention import idle
from plugins.retention.checks import inactive_teachers
from plugins.retention.ending import begin
from plugins.retention.idle import Looked
from tests.accounts.alone import alone, room_of
from tests.accounts.post import link_for
from tests.factories.visitor import send
from tests.factories.world import NO_LIMIT, SYSTEM, Class, World

WHO = Purpose("test-idle")
GONE = 410
COLLEAGUE = "retention.idle-colleague"
BEGAN = datetime(2026, 3, 15, 9, 30, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("backup")


@pytest.fixture
def eraser(runtime: Runtime, tmp_path: Path) -> Eraser:
    made = eraser_of(runtime, WHO)
    return Eraser(WHO, made.tables, made.installed, LedgerFile(tmp_path), made.backups_kept)


@pytest.fixture
def people(world: World) -> list[Principal]:
    """Five who signed up, and nobody else who could be idle."""
    del world
    with transaction(SYSTEM) as tx:
        tx.execute(update(Account).values(last_active_at=datetime(2040, 1, 1, tzinfo=UTC)))
    made = [alone() for _ in range(5)]
    _used(*made, at=BEGAN)
    return made


def _used(*people: Principal, at: datetime) -> None:
    numbers = [each.account_id for each in people]
    with transaction(SYSTEM) as tx:
        tx.execute(update(Account).where(Account.id.in_(numbers)).values(last_active_at=at, created_at=at))


def _comes_in(room: Class, *, at: datetime) -> None:
    """A child comes in by the code of a class; its teacher does nothing."""
    begun = students.sign_in_student(
        code=room.code,
        student=room.children[0].public_id,
        sessions=Sessions(),
        visitor=Visitor(),
        throttles=NO_LIMIT,
    )
    with transaction(SYSTEM) as tx:
        own = StudentSession.token_id == begun.token_id
        tx.execute(update(StudentSession).where(own).values(started_at=at, last_seen_at=at))


def _gone(who: Principal) -> bool:
    with transaction(SYSTEM) as tx:
        return tx.get(Account, who.account_id) is None


def _email(who: Principal) -> str:
    with transaction(SYSTEM) as tx:
        return tx.get_one(Account, who.account_id).email


def _run(
    monkeypatch: pytest.MonkeyPatch,
    eraser: Eraser,
    at: datetime,
    *,
    rules: Rules = Rules(5),  # noqa: B008 - frozen
    sent: bool = True,
) -> Looked:
    """What the job does at a moment, with every mail of before handed over."""
    monkeypatch.setattr(clock, "now", lambda: at)
    if sent:
        with transaction(SYSTEM) as tx:
            tx.execute(update(OutgoingMail).values(state=MailState.SENT, finished_at=at))
    done = idle.look_after_idle(principal=WHO, eraser=eraser, rules=rules)
    with transaction(WHO) as tx:
        begun = tx.scalars(select(Erasure.id).where(Erasure.stage == Stage.CONFIRMED)).all()
    for number in begun:
        assert eraser.carry_out(number) is Stage.VERIFIED
    return done


def _warned() -> dict[int | None, int]:
    """How many warnings were written to each account that is still there."""
    counted = select(OutgoingMail.account_id, func.count()).group_by(OutgoingMail.account_id)
    with transaction(SYSTEM) as tx:
        return dict(tx.execute(counted.where(OutgoingMail.name == "retention.idle-warning")).all())


def _a_year_after(at: datetime) -> datetime:
    return at.replace(year=at.year + 1)


def test_two_years_of_days(people: list[Principal], eraser: Eraser, monkeypatch: pytest.MonkeyPatch) -> None:
    active, gone, kept, taught, late = people
    room = room_of(taught)
    address = {each.account_id: _email(each) for each in people}
    went: dict[int | None, datetime] = {}
    told: dict[int | None, list[int]] = {each.account_id: [] for each in people}
    # What the policy says, from what happens below and from nothing else.
    due = {
        gone.account_id: _a_year_after(BEGAN),
        kept.account_id: _a_year_after(BEGAN + timedelta(days=340)),
        taught.account_id: _a_year_after(BEGAN + timedelta(days=200)),
        late.account_id: _a_year_after(BEGAN + timedelta(days=90)),
    }
    near = {(at - BEGAN).days + days for at in due.values() for days in range(-62, 3)}
    # Each day on which somebody is near the end, and every tenth.
    for day in sorted(near | {*range(0, 740, 10)}):
        today = BEGAN + timedelta(days=day)
        monkeypatch.setattr(clock, "now", lambda at=today: at)
        if day % 30 == 0:
            _used(active, at=today)
        if day == 90:
            _used(late, at=today)
        if day == 200:
            _comes_in(room, at=today)
        if day == 340:
            assert idle.keep_account(token=link_for(address[kept.account_id], "keep"), address=None)
        before = _warned()
        _run(monkeypatch, eraser, today + timedelta(hours=3))
        for number, count in _warned().items():
            if count > before.get(number, 0):
                told[number].append((due[number].date() - today.date()).days)
        for each in people:
            if each.account_id not in went and _gone(each):
                went[each.account_id] = today + timedelta(hours=3)
    assert went.keys() == due.keys()
    for number, at in due.items():
        assert at <= went[number] < at + timedelta(days=1)
    # Whoever kept the account or was there after a warning was told before that, too.
    assert told[gone.account_id] == told[late.account_id] == told[taught.account_id] == [60, 30, 7, 1]
    assert told[kept.account_id][-4:] == [60, 30, 7, 1]
    assert told[active.account_id] == []


def test_nobody_goes_who_was_not_told_however_late_we_are(
    people: list[Principal], eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = people
    _used(*others, at=datetime(2040, 1, 1, tzinfo=UTC))
    late = _a_year_after(BEGAN) + timedelta(days=100)
    assert _run(monkeypatch, eraser, late).told == 1
    for days, told in ((22, 0), (23, 1), (28, 0), (29, 1)):
        assert _run(monkeypatch, eraser, late + timedelta(days=days)).told == told
    assert _run(monkeypatch, eraser, late + timedelta(days=29, hours=23)).begun == 0
    assert not _gone(first)
    assert _run(monkeypatch, eraser, late + timedelta(days=30)).begun == 1
    assert _gone(first)


def test_nobody_goes_whose_last_warning_is_still_in_the_outbox(
    people: list[Principal], eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = people
    _used(*others, at=datetime(2040, 1, 1, tzinfo=UTC))
    due = _a_year_after(BEGAN)
    for days in (60, 30, 7, 1):
        _run(monkeypatch, eraser, due - timedelta(days=days))
    with transaction(SYSTEM) as tx:
        mine = OutgoingMail.account_id == first.account_id
        tx.execute(update(OutgoingMail).where(mine).values(state=MailState.FAILED))
    assert _run(monkeypatch, eraser, due, sent=False).waiting == 1
    assert not _gone(first)
    # The mailbox is dead.
    given_up = due + timedelta(days=14)
    with transaction(SYSTEM) as tx:
        tx.execute(update(OutgoingMail).where(mine).values(finished_at=due))
    assert _run(monkeypatch, eraser, given_up - timedelta(hours=1), sent=False).waiting == 1
    assert _run(monkeypatch, eraser, given_up, sent=False).begun == 1


def test_whoever_is_suspended_stays(
    people: list[Principal], eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    _used(*people[1:], at=datetime(2040, 1, 1, tzinfo=UTC))
    with transaction(SYSTEM) as tx:
        mine = Account.id == people[0].account_id
        tx.execute(update(Account).where(mine).values(status=AccountStatus.SUSPENDED))
    for days in (-60, -30, -7, -1, 0, 30):
        assert _run(monkeypatch, eraser, _a_year_after(BEGAN) + timedelta(days=days)) == Looked()
    assert not _gone(people[0])


def test_many_at_once_wait_for_a_person(
    people: list[Principal], eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = _a_year_after(BEGAN)
    for days in (60, 30, 7, 1):
        _run(monkeypatch, eraser, due - timedelta(days=days))
    few = Rules(5, few=2)
    held = _run(monkeypatch, eraser, due, rules=few)
    assert (held.begun, held.waiting) == (0, len(people))
    assert _run(monkeypatch, eraser, due + timedelta(hours=6), rules=few).begun == 0
    with transaction(SYSTEM) as tx:
        (number,) = tx.scalars(select(RetentionRun.id).where(RetentionRun.state == RunState.PAUSED))
        assert release(tx, number)
    # Of what was due then: one was used since.
    _used(people[0], at=due)
    assert _run(monkeypatch, eraser, due + timedelta(hours=7), rules=few).begun == len(people) - 1
    assert [_gone(each) for each in people] == [False, *[True] * (len(people) - 1)]


def test_the_promise_falls_short_while_somebody_idle_is_there(
    app: Flask, runtime: Runtime, people: list[Principal], monkeypatch: pytest.MonkeyPatch
) -> None:
    _used(*people, at=BEGAN)
    for late, state in ((timedelta(hours=23), State.HOLDS), (timedelta(hours=25), State.FALLS_SHORT)):
        at = _a_year_after(BEGAN) + late
        monkeypatch.setattr(clock, "now", lambda at=at: at)
        with transaction(WHO) as tx:
            assert inactive_teachers(Looking(app, runtime.settings, tx)).state is state


def test_the_page_of_a_link_asks_first(
    app: Flask, people: list[Principal], eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = _email(people[0])
    _run(monkeypatch, eraser, _a_year_after(BEGAN) - timedelta(days=50))
    monkeypatch.undo()
    path, browser = f"/keep/{link_for(address, 'keep')}", app.test_client()
    for _ in range(2):
        page = browser.get(path)
        assert (page.status_code, "Keep your account?" in page.text) == (200, True)
    kept = send(browser, path, {})
    assert (kept.status_code, "Your account stays" in kept.text) == (200, True)
    assert browser.get(path).status_code == GONE
    assert browser.get(f"/keep/{'x' * 43}").status_code == GONE


def test_who_leads_a_place_alone_stays_and_is_counted(
    world: World, people: list[Principal], eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    _used(*people, at=datetime(2040, 1, 1, tzinfo=UTC))
    with transaction(SYSTEM) as tx:
        tx.execute(
            update(Account).where(Account.id == world.people["leader"].id).values(last_active_at=BEGAN)
        )
    done = _run(monkeypatch, eraser, _a_year_after(BEGAN) + timedelta(days=3))
    assert done == Looked(lead_alone=1)


def test_who_comes_back_on_the_last_day_stays(
    people: list[Principal], eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = people
    _used(*others, at=datetime(2040, 1, 1, tzinfo=UTC))
    due = _a_year_after(BEGAN)
    for days in (60, 30, 7, 1):
        assert _run(monkeypatch, eraser, due - timedelta(days=days)).told == 1
    _used(first, at=due - timedelta(minutes=1))
    assert _run(monkeypatch, eraser, due).begun == 0
    assert not _gone(first)


def test_a_link_keeps_once_and_a_made_up_one_nothing(
    people: list[Principal], eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = people
    _used(*others, at=datetime(2040, 1, 1, tzinfo=UTC))
    address = _email(first)
    _run(monkeypatch, eraser, _a_year_after(BEGAN) - timedelta(days=50))
    token = link_for(address, "keep")
    assert not idle.link_is_good(token="q" * 43)
    assert idle.link_is_good(token=token)
    assert idle.keep_account(token=token, address=None)
    assert not idle.keep_account(token=token, address=None)
    assert _run(monkeypatch, eraser, _a_year_after(BEGAN) + timedelta(days=3)).told == 0
    assert not _gone(first)


def test_leaders_are_told_of_a_colleague_when_a_month_is_left(
    world: World, people: list[Principal], eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever leads the school or its district, and nobody whose place there is suspended."""
    _used(*people, at=datetime(2040, 1, 1, tzinfo=UTC))
    above, leader, idler = (world.people[each].id for each in ("leader", "colleague", "teacher"))
    place = update(Membership).where(Membership.account_id == leader, Membership.school_id == world.home.id)
    with transaction(SYSTEM) as tx:
        tx.execute(update(Account).where(Account.id == idler).values(last_active_at=BEGAN))
        tx.execute(place.values(role=Role.LEADER))
    due = _a_year_after(BEGAN)
    _run(monkeypatch, eraser, due - timedelta(days=60))
    assert _told_of_colleague() == set()
    _run(monkeypatch, eraser, due - timedelta(days=30))
    assert _told_of_colleague() == {above, leader}
    with transaction(SYSTEM) as tx:
        tx.execute(delete(OutgoingMail).where(OutgoingMail.name == COLLEAGUE))
        tx.execute(place.values(suspended_at=BEGAN))
    _run(monkeypatch, eraser, due - timedelta(days=7))
    assert _told_of_colleague() == {above}


def _told_of_colleague() -> set[int | None]:
    with transaction(SYSTEM) as tx:
        return set(tx.scalars(select(OutgoingMail.account_id).where(OutgoingMail.name == COLLEAGUE)))


def test_what_is_gone_by_now_does_not_begin_to_be_erased(world: World, eraser: Eraser) -> None:
    del world
    for subject in (Subject.ACCOUNT, Subject.CLASSROOM, Subject.SCHOOL):
        assert not begin(eraser, subject, new_public_id())

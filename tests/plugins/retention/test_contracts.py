"""Contracts that ended: told at once, 30 and 7 days before, and erased 60 days after with all of it."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, func, insert, select, update

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account
from backoffice.accounts.services import people
from backoffice.outbox.models import MailContent, MailState, OutgoingMail
from backoffice.privacy.erasure import services as erasure
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.erasure.jobs import eraser_of
from backoffice.privacy.erasure.ledger import LedgerFile
from backoffice.privacy.erasure.models import Erasure, Stage
from backoffice.privacy.holdings import Subject
from backoffice.privacy.retention.models import RetentionRun, RunState
from backoffice.privacy.retention.runs import Rules, outlook, release
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.schools.ending_models import ContractEnd
from backoffice.schools.models import Classroom, District, Membership, Role, School, Student
from backoffice.schools.services.contracts import continue_contract, end_contract
from plugins.retention.contracts import look_after_contracts
from plugins.retention.idle import Looked
from plugins.retention.kinds import ENDED
from tests.factories.world import SYSTEM, World
from tests.plugins.retention.conftest import hold

WHO = Purpose("test-contracts")
LAST_DAY = date(2027, 3, 15)
TOLD = "retention.contract-ended"

pytestmark = pytest.mark.usefixtures("backup")


@pytest.fixture
def eraser(runtime: Runtime, tmp_path: Path) -> Eraser:
    made = eraser_of(runtime, WHO)
    return Eraser(WHO, made.tables, made.installed, LedgerFile(tmp_path), made.backups_kept)


@pytest.fixture
def ends(world: World) -> datetime:
    """When the contract of the tests ends: with the last day on the wall of the school."""
    with transaction(SYSTEM) as tx:
        tx.execute(delete(ContractEnd))
        zone = ZoneInfo(tx.get_one(School, world.home.id).time_zone)
    return datetime.combine(LAST_DAY + timedelta(days=1), time(), zone).astimezone(UTC)


def _at(monkeypatch: pytest.MonkeyPatch, at: datetime) -> None:
    monkeypatch.setattr(clock, "now", lambda: at)


def _sent(at: datetime) -> None:
    """Every mail that waits is handed over at a moment."""
    with transaction(SYSTEM) as tx:
        waits = update(OutgoingMail).where(OutgoingMail.state == MailState.QUEUED)
        tx.execute(waits.values(state=MailState.SENT, finished_at=at))


def _run(
    monkeypatch: pytest.MonkeyPatch,
    eraser: Eraser,
    at: datetime,
    *,
    rules: Rules = Rules(5),  # noqa: B008 - frozen
    sent: bool = True,
) -> Looked:
    """What the job does at a moment, and the worker that erases; mails leave at once, or not at all."""
    _at(monkeypatch, at)
    done = look_after_contracts(principal=WHO, eraser=eraser, rules=rules)
    with transaction(WHO) as tx:
        begun = tx.scalars(select(Erasure.id).where(Erasure.stage == Stage.CONFIRMED)).all()
    for number in begun:
        assert eraser.carry_out(number) is Stage.VERIFIED
    if sent:
        _sent(at)
    return done


def _schools() -> set[str]:
    with transaction(SYSTEM) as tx:
        return {name.split()[0] for name in tx.scalars(select(School.name))}


def _children(school: int) -> int:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).select_from(Student).where(Student.school_id == school)) or 0


def _told(world: World) -> int:
    """How many letters the leader was written."""
    mine = (OutgoingMail.account_id == world.people["leader"].id, OutgoingMail.name == TOLD)
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).select_from(OutgoingMail).where(*mine)) or 0


def _letters_to(address: str) -> list[str]:
    """The names of the mails to an address, the oldest first."""
    both = select(OutgoingMail.name, MailContent.recipient).join(
        MailContent, MailContent.mail_id == OutgoingMail.id
    )
    with transaction(SYSTEM) as tx:
        return [row.name for row in tx.execute(both.order_by(OutgoingMail.id)) if row.recipient == address]


def _end(school: str, *, whole: bool = False) -> None:
    end_contract(principal=SYSTEM, school=school, last_day=LAST_DAY, whole_district=whole)


def _add_leader(school: int) -> str:
    """Somebody who leads the school and nothing else; the address."""
    with transaction(SYSTEM) as tx:
        number, _ = people.add(
            tx, email="newly-leading@people.example", name="Nora Newleader", password_hash=None, founder=False
        )
        tx.execute(
            insert(Membership).values(
                account_id=number, school_id=school, role=Role.LEADER, created_at=clock.now()
            )
        )
    return "newly-leading@people.example"


@pytest.mark.parametrize("whole", [False, True], ids=["a school", "a district"])
def test_sixty_days(
    world: World, ends: datetime, eraser: Eraser, monkeypatch: pytest.MonkeyPatch, *, whole: bool
) -> None:
    _at(monkeypatch, ends - timedelta(days=10))
    _end(world.home.public_id, whole=whole)
    told: list[int] = []
    # Twice a day, from ten days before the contract ends.
    for half_day in range(-20, 120):
        at = ends + timedelta(hours=12 * half_day)
        before = _told(world)
        _run(monkeypatch, eraser, at)
        if _told(world) > before:
            told.append((ends + timedelta(days=60) - at).days)
        assert "Home" in _schools()
    assert told == [70, 30, 7]
    with transaction(SYSTEM) as tx:
        district = tx.scalar(select(School.district_id).where(School.id == world.home.id))
    assert _run(monkeypatch, eraser, ends + timedelta(days=60)).begun == 1
    assert _schools() == ({"Outside"} if whole else {"Elsewhere", "Outside"})
    assert _children(world.home.id) == 0
    assert _children(world.outside.id) > 0
    with transaction(SYSTEM) as tx:
        assert (tx.get(District, district) is None) is whole
        assert tx.scalar(select(func.count()).select_from(ContractEnd)) == 0
        # Who works elsewhere too stays there, and so does whoever leads the district of a school that goes.
        assert (tx.get(Account, world.people["leader"].id) is None) is whole
        assert tx.get(Account, world.people["outsider"].id) is not None
    # Twice is once.
    assert _run(monkeypatch, eraser, ends + timedelta(days=60, hours=6)) == Looked()
    assert "Outside" in _schools()


def test_a_leader_who_came_later_is_warned_and_sent_the_receipt(
    world: World, ends: datetime, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    _at(monkeypatch, ends)
    _end(world.home.public_id)
    _run(monkeypatch, eraser, ends)
    address = _add_leader(world.home.id)
    for days in (30, 53, 60):
        _run(monkeypatch, eraser, ends + timedelta(days=days))
    named = _letters_to(address)
    # Twice warned; the account was used nowhere else, and is gone as the receipt leaves.
    assert named == ["core.place-erased"]
    assert _letters_to(world.people["leader"].email)[-1] == "core.place-erased"


def test_the_contract_goes_on_on_day_59(
    world: World, ends: datetime, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    _at(monkeypatch, ends)
    _end(world.home.public_id)
    for days in (0, 30, 53, 59):
        _run(monkeypatch, eraser, ends + timedelta(days=days))
    continue_contract(principal=SYSTEM, school=world.home.public_id)
    for days in (60, 61, 100):
        assert _run(monkeypatch, eraser, ends + timedelta(days=days)) == Looked()
    assert "Home" in _schools()
    with pytest.raises(Rejected):
        continue_contract(principal=SYSTEM, school=world.home.public_id)


def test_once_the_erasure_has_begun_there_is_no_way_back(
    world: World, ends: datetime, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    _at(monkeypatch, ends)
    _end(world.home.public_id)
    for days in (0, 30, 53):
        _run(monkeypatch, eraser, ends + timedelta(days=days))
    _at(monkeypatch, ends + timedelta(days=60))
    assert look_after_contracts(principal=WHO, eraser=eraser, rules=Rules(5)).begun == 1
    founder, school = world.sign_in("founder"), world.home.public_id
    with pytest.raises(Rejected, match="no way back"):
        continue_contract(principal=founder, school=school)
    with pytest.raises(Rejected, match="no way back"):
        end_contract(principal=founder, school=school, last_day=LAST_DAY)
    # The other run finds it begun, and begins nothing.
    assert look_after_contracts(principal=WHO, eraser=eraser, rules=Rules(5)).begun == 0


def test_who_is_told_late_has_all_the_time_that_was_said(
    world: World, ends: datetime, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = ends + timedelta(days=50)
    _at(monkeypatch, noted)
    _end(world.home.public_id)
    # The first letter is the warning of 30 days, and its mail leaves two days late.
    assert _run(monkeypatch, eraser, noted, sent=False).told == 1
    _sent(noted + timedelta(days=2))
    assert _run(monkeypatch, eraser, noted + timedelta(days=24)).told == 0
    # And the job rests for a week: seven days are left from then on all the same.
    assert _run(monkeypatch, eraser, noted + timedelta(days=31)).told == 1
    assert _run(monkeypatch, eraser, noted + timedelta(days=37, hours=23)).begun == 0
    assert "Home" in _schools()
    assert _run(monkeypatch, eraser, noted + timedelta(days=38)).begun == 1


def test_nothing_goes_whose_last_warning_is_still_in_the_outbox(
    world: World, ends: datetime, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    _at(monkeypatch, ends)
    _end(world.home.public_id)
    for days in (0, 30):
        _run(monkeypatch, eraser, ends + timedelta(days=days))
    _run(monkeypatch, eraser, ends + timedelta(days=53), sent=False)
    assert _run(monkeypatch, eraser, ends + timedelta(days=61), sent=False).waiting == 1
    # Given up, it is written anew, and counts from when it leaves.
    with transaction(SYSTEM) as tx:
        waits = update(OutgoingMail).where(OutgoingMail.state == MailState.QUEUED)
        tx.execute(waits.values(state=MailState.FAILED, finished_at=clock.now()))
    assert _run(monkeypatch, eraser, ends + timedelta(days=62)).told == 1
    assert _run(monkeypatch, eraser, ends + timedelta(days=68, hours=23)).begun == 0
    assert "Home" in _schools()
    assert _run(monkeypatch, eraser, ends + timedelta(days=69)).begun == 1


def _given_up(at: datetime) -> None:
    """No mail that waits can be delivered."""
    with transaction(SYSTEM) as tx:
        waits = update(OutgoingMail).where(OutgoingMail.state == MailState.QUEUED)
        tx.execute(waits.values(state=MailState.FAILED, finished_at=at))


def test_an_end_of_which_no_leader_can_be_told_comes_all_the_same(
    world: World, ends: datetime, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    _at(monkeypatch, ends)
    _end(world.home.public_id)
    for days in (0, 30):
        _run(monkeypatch, eraser, ends + timedelta(days=days))
    for hours, told in ((0, 1), (12, 1), (24, 0), (36, 0)):
        at = ends + timedelta(days=53, hours=hours)
        assert _run(monkeypatch, eraser, at, sent=False).told == told
        if hours == 12:
            assert _letters_to(world.people["founder"].email)[-1] == TOLD
        _given_up(at)
    # Founders were told in vain as well: it counts from then, and once.
    assert _run(monkeypatch, eraser, ends + timedelta(days=60, hours=11), sent=False).begun == 0
    assert _run(monkeypatch, eraser, ends + timedelta(days=60, hours=12), sent=False).begun == 1


def test_where_nobody_leads_founders_are_told(
    world: World, ends: datetime, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    _at(monkeypatch, ends)
    _end(world.outside.public_id)
    _run(monkeypatch, eraser, ends, sent=False)
    assert _letters_to(world.people["founder"].email)[-1] == TOLD


def test_many_at_once_wait_for_a_person(
    world: World, ends: datetime, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = Rules(5, few=0)
    _at(monkeypatch, ends)
    _end(world.home.public_id)
    for days in (0, 30, 53):
        _run(monkeypatch, eraser, ends + timedelta(days=days), rules=none)
    held = _run(monkeypatch, eraser, ends + timedelta(days=60), rules=none)
    assert (held.begun, held.waiting) == (0, 1)
    with transaction(SYSTEM) as tx:
        (number,) = tx.scalars(select(RetentionRun.id).where(RetentionRun.state == RunState.PAUSED))
        assert release(tx, number)
    assert _run(monkeypatch, eraser, ends + timedelta(days=61), rules=none).begun == 1


def test_while_a_hold_keeps_something_the_contract_can_be_taken_up_again(
    world: World, ends: datetime, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    _at(monkeypatch, ends)
    _end(world.home.public_id)
    for days in (0, 30, 53):
        _run(monkeypatch, eraser, ends + timedelta(days=days))
    room = world.own_class
    hold(Subject.CLASSROOM, room.id, room.public_id, world.home.id)
    kept = _run(monkeypatch, eraser, ends + timedelta(days=60), rules=Rules(5, few=0))
    assert (kept.begun, kept.held, kept.waiting) == (0, 1, 0)
    with transaction(SYSTEM) as tx:
        # It is not among what waits for a person either.
        assert tx.scalars(select(RetentionRun.id).where(RetentionRun.state == RunState.PAUSED)).all() == []
    continue_contract(principal=SYSTEM, school=world.home.public_id)


def test_a_place_that_is_gone_keeps_no_other_waiting(
    world: World, ends: datetime, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    _at(monkeypatch, ends)
    for place in (world.home, world.elsewhere):
        _end(place.public_id)
    for days in (0, 30, 53):
        _run(monkeypatch, eraser, ends + timedelta(days=days))
    whole = erasure.begin

    def begin(*, public_id: str, **options: Any) -> int:
        if public_id == world.home.public_id:
            raise NotFound
        return whole(public_id=public_id, **options)

    monkeypatch.setattr(erasure, "begin", begin)
    assert _run(monkeypatch, eraser, ends + timedelta(days=60)).begun == 1
    assert "Elsewhere" not in _schools()


def test_a_district_counts_as_all_of_its_schools(
    world: World, ends: datetime, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Rules(5, few=1)
    _at(monkeypatch, ends)
    _end(world.home.public_id, whole=True)
    # A school of it that ends by itself too is one school all the same.
    _end(world.home.public_id)
    for days in (0, 30, 53):
        _run(monkeypatch, eraser, ends + timedelta(days=days), rules=one)
    assert _run(monkeypatch, eraser, ends + timedelta(days=60), rules=one).begun == 0
    with transaction(SYSTEM) as tx:
        (waits,) = tx.scalars(select(RetentionRun).where(RetentionRun.state == RunState.PAUSED))
        district = tx.get_one(School, world.home.id).district_id
        below = select(func.count()).select_from(School).where(School.district_id == district)
        assert waits.due == tx.scalar(below)


def test_it_is_foretold(world: World, ends: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    _at(monkeypatch, ends)
    _end(world.home.public_id)
    with transaction(SYSTEM) as tx:
        seen = outlook(tx, ENDED, at=ends + timedelta(days=40))
    assert (seen.now, seen.soon, seen.days[20]) == (0, 1, 1)


# -- the verbs


@pytest.mark.parametrize("role", ["leader", "officer", "teacher", "outsider", "parent"])
def test_only_founders_end_a_contract(world: World, role: str) -> None:
    who = world.sign_in(role)
    today = clock.now().date()
    for whole in (False, True):
        with pytest.raises(NotFound):
            end_contract(
                principal=who, school=world.elsewhere.public_id, last_day=today, whole_district=whole
            )
    with transaction(SYSTEM) as tx:
        ends = select(func.count()).where(ContractEnd.school_id == world.elsewhere.id)
        assert tx.scalar(ends) == 0


def test_a_founder_says_when_and_takes_it_back(world: World) -> None:
    founder, today = world.sign_in("founder"), clock.now().date()
    school = world.home.public_id
    for days in (0, 10):
        end_contract(principal=founder, school=school, last_day=today + timedelta(days=days))
    with transaction(SYSTEM) as tx:
        (end,) = tx.scalars(select(ContractEnd).where(ContractEnd.school_id == world.home.id))
        assert (end.ends_at - clock.now()).days in {9, 10, 11}
    continue_contract(principal=founder, school=school)
    with transaction(SYSTEM) as tx:
        assert tx.scalars(select(ContractEnd).where(ContractEnd.school_id == world.home.id)).all() == []


def test_a_day_that_is_a_slip_of_the_pen_is_refused(world: World) -> None:
    for year in (2002, 2207):
        with pytest.raises(Rejected):
            end_contract(principal=SYSTEM, school=world.home.public_id, last_day=date(year, 3, 15))


def test_a_school_of_no_district_ends_by_itself_alone(world: World) -> None:
    with pytest.raises(Rejected):
        end_contract(
            principal=SYSTEM,
            school=world.outside.public_id,
            last_day=clock.now().date(),
            whole_district=True,
        )


def test_classrooms_of_others_are_there_afterwards(
    world: World, ends: datetime, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    _at(monkeypatch, ends)
    _end(world.home.public_id)
    for days in (0, 30, 53, 60):
        _run(monkeypatch, eraser, ends + timedelta(days=days))
    with transaction(SYSTEM) as tx:
        left = set(tx.scalars(select(Classroom.school_id)))
    assert world.home.id not in left
    assert {world.elsewhere.id, world.outside.id} <= left

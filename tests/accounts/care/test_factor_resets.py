"""Lost second factors: asked for, refused, overtaken, done after a day."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, insert, select, update

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.policy import Denied
from backoffice.access.principal import Nobody, Principal, Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.care.models import FactorReset, ResetState
from backoffice.accounts.care.services import factor_resets, standing
from backoffice.accounts.models import AccountRecoveryCode, AccountSecondFactor
from backoffice.accounts.services import signing_in
from backoffice.accounts.services.proof import ProofNeeded
from backoffice.outbox.models import MailState, OutgoingMail
from backoffice.problems import Rejected, Throttled
from backoffice.schools.models import Membership, Role, School, SchoolKind
from backoffice.settings import Sessions, Throttles
from backoffice.storage import functions
from backoffice.throttles.visitor import Visitor
from tests.accounts.care.conftest import Later
from tests.accounts.care.people import is_out, link_in, mailed, noted, open_events
from tests.factories import world as factory
from tests.factories.world import COST, NO_LIMIT, PASSWORD, RECOVERY_CODE, SYSTEM, Person, World

JOB = Purpose("test")
DAY = timedelta(hours=24)
NOTHING = {"done": 0, "cancelled": 0, "undelivered": 0}


@pytest.fixture(autouse=True)
def _with_factors(world: World) -> None:
    """A teacher and the leader have an app each, and nothing waits."""
    with transaction(SYSTEM) as tx:
        tx.execute(delete(FactorReset))
    for role in ("teacher", "leader"):
        person = world.people[role]
        with transaction(SYSTEM) as tx:
            functions.forget_factors_of(tx, account_id=person.id)
            person.secret = factory._second_factor(tx, person.id)


def ask(world: World, role: str = "teacher", by: str = "leader", throttles: Throttles = NO_LIMIT) -> None:
    factor_resets.ask(
        principal=world.sign_in(by),
        account=world.people[role].public_id,
        school=None if by == "founder" else world.home.public_id,
        throttles=throttles,
    )


def asked(world: World, role: str = "teacher", by: str = "leader") -> str:
    """Ask, have it mailed and sent; the token of its link."""
    ask(world, role, by)
    token = link_in(mailed(world.people[role])[-1], "keep-my-factor")
    sent()
    return token


def sent(state: MailState = MailState.SENT) -> None:
    """The mail about the waiting reset has left, or was given up."""
    waiting = select(FactorReset.mail).where(FactorReset.state == ResetState.WAITING)
    with transaction(SYSTEM) as tx:
        mails = update(OutgoingMail).where(OutgoingMail.public_id.in_(waiting))
        tx.execute(mails.values(state=state, finished_at=clock.now()))


def states() -> list[str]:
    with transaction(SYSTEM) as tx:
        return list(tx.scalars(select(FactorReset.state).order_by(FactorReset.id)))


def has_factor(person: Person) -> bool:
    with transaction(SYSTEM) as tx:
        held = [
            tx.scalar(select(func.count()).where(entity.account_id == person.id))
            for entity in (AccountSecondFactor, AccountRecoveryCode)
        ]
    assert len(set(map(bool, held))) == 1
    return bool(held[0])


def test_after_a_day_without_refusal_the_factor_is_gone(world: World, later: Later) -> None:
    teacher = world.people["teacher"]
    asked(world)
    later(DAY - timedelta(seconds=1))
    assert factor_resets.finish_resets(JOB) == NOTHING
    assert has_factor(teacher)
    later(timedelta(seconds=1))
    assert factor_resets.finish_resets(JOB) == {**NOTHING, "done": 1}
    assert (has_factor(teacher), states()) == (False, ["done"])
    # Twice is as good as once.
    assert factor_resets.finish_resets(JOB) == NOTHING
    teacher.secret = None
    assert world.sign_in("teacher").account_id == teacher.id
    assert "nobody refused. Signing in asks for your password only" in " ".join(mailed(teacher))
    assert "nobody refused. Its owner signs in" in " ".join(mailed(world.people["leader"]))
    assert (noted("factors.ask-reset"), noted("factors.reset-done")) == (1, 1)


def test_sessions_end_with_the_factor(world: World, later: Later) -> None:
    inside = world.sign_in("teacher")
    asked(world)
    assert not is_out(inside)
    later(DAY)
    assert factor_resets.finish_resets(JOB)["done"] == 1
    later(-DAY)
    assert is_out(inside)


def test_its_owner_refuses_by_the_link(world: World, later: Later) -> None:
    teacher = world.people["teacher"]
    inside = world.sign_in("teacher")
    token = asked(world)
    assert factor_resets.can_be_refused(token)
    factor_resets.refuse(token=token, address=None)
    assert (states(), open_events(teacher), is_out(inside)) == (["refused"], ["reset_refused"], False)
    assert "Its owner has refused." in " ".join(mailed(world.people["leader"]))
    with pytest.raises(Rejected):
        factor_resets.refuse(token=token, address=None)
    later(DAY)
    assert (factor_resets.finish_resets(JOB), has_factor(teacher)) == (NOTHING, True)


def test_links_of_others_refuse_nothing(world: World) -> None:
    asked(world)
    assert not factor_resets.can_be_refused("x" * 43)
    with pytest.raises(Rejected):
        factor_resets.refuse(token="x" * 43, address=None)
    assert states() == ["waiting"]


def by_app(world: World) -> None:
    sign_in(world, world.people["teacher"].otp())


def by_recovery_code(world: World) -> None:
    sign_in(world, RECOVERY_CODE)


def sign_in(world: World, otp: str) -> None:
    signing_in.sign_in(
        email=world.people["teacher"].email,
        password=PASSWORD,
        otp=otp,
        sessions=Sessions(),
        cost=COST,
        visitor=Visitor(),
        device=None,
        throttles=NO_LIMIT,
    )


@pytest.mark.parametrize("use", [by_app, by_recovery_code])
def test_whoever_uses_the_factor_has_not_lost_it(
    world: World, later: Later, use: Callable[[World], None]
) -> None:
    asked(world)
    use(world)
    assert states() == ["cancelled"]
    assert "It has been used since" in " ".join(mailed(world.people["leader"]))
    later(DAY)
    assert (factor_resets.finish_resets(JOB), has_factor(world.people["teacher"])) == (NOTHING, True)


def test_a_wrong_code_stops_nothing(world: World) -> None:
    asked(world)
    with pytest.raises(signing_in.CodeNeeded):
        signing_in.sign_in(
            email=world.people["teacher"].email,
            password=PASSWORD,
            otp="000000",
            sessions=Sessions(),
            cost=COST,
            visitor=Visitor(),
            device=None,
            throttles=NO_LIMIT,
        )
    assert states() == ["waiting"]


def test_the_day_counts_from_the_sending_of_the_mail(world: World, later: Later) -> None:
    ask(world)
    mailed(world.people["teacher"])
    later(timedelta(hours=23))
    assert factor_resets.finish_resets(JOB) == NOTHING
    sent()
    later(timedelta(hours=23))
    assert factor_resets.finish_resets(JOB) == NOTHING
    later(timedelta(hours=1))
    assert factor_resets.finish_resets(JOB)["done"] == 1


def test_without_its_mail_nothing_is_taken_away(world: World, later: Later) -> None:
    ask(world)
    mailed(world.people["teacher"])
    sent(MailState.FAILED)
    later(2 * DAY)
    assert factor_resets.finish_resets(JOB) == {**NOTHING, "undelivered": 1}
    assert has_factor(world.people["teacher"])
    assert "did not arrive" in " ".join(mailed(world.people["leader"]))


def test_who_is_suspended_meanwhile_keeps_it(world: World, later: Later) -> None:
    asked(world)
    standing.suspend_account(
        principal=world.sign_in("founder"), account=world.people["teacher"].public_id, reason="Asked for it"
    )
    later(DAY)
    assert factor_resets.finish_resets(JOB) == {**NOTHING, "cancelled": 1}
    later(-DAY)
    standing.reinstate_account(principal=world.sign_in("founder"), account=world.people["teacher"].public_id)
    assert has_factor(world.people["teacher"])


def test_a_worker_killed_in_the_middle_leaves_the_rest_to_the_next(
    world: World, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(world)
    asked(world, "leader", by="founder")
    later(DAY)
    forget, done = functions.forget_factors_of, []

    def dies(tx: object, *, account_id: int) -> None:
        forget(tx, account_id=account_id)  # type: ignore[arg-type]
        done.append(account_id)
        if len(done) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(functions, "forget_factors_of", dies)
    with pytest.raises(KeyboardInterrupt):
        factor_resets.finish_resets(JOB)
    monkeypatch.setattr(functions, "forget_factors_of", forget)
    assert states() == ["done", "waiting"]
    assert (has_factor(world.people["teacher"]), has_factor(world.people["leader"])) == (False, True)
    assert factor_resets.finish_resets(JOB)["done"] == 1
    assert states() == ["done", "done"]


def test_two_workers_do_it_once(world: World, later: Later) -> None:
    asked(world)
    later(DAY)
    before = noted("factors.reset-done")
    with ThreadPoolExecutor() as pool:
        done = list(pool.map(lambda _n: factor_resets.finish_resets(JOB)["done"], range(4)))
    assert (sum(done), noted("factors.reset-done") - before) == (1, 1)


def test_whoever_signs_in_at_that_moment_keeps_it(world: World, later: Later) -> None:
    """The worker waits for whoever has just used the factor, and then finds the reset ended."""
    teacher = world.people["teacher"]
    asked(world)
    later(DAY)
    with ThreadPoolExecutor() as pool, transaction(Nobody()) as tx:
        assert functions.use_step(tx, account_id=teacher.id, step=int(clock.now().timestamp()) // 30)
        working = pool.submit(factor_resets.finish_resets, JOB)
        with pytest.raises(TimeoutError):
            working.result(timeout=0.5)
        tx.commit()
        assert working.result(timeout=10) == NOTHING
    assert (states(), has_factor(teacher)) == (["cancelled"], True)


def test_never_two_are_open_at_once(world: World) -> None:
    leader = world.sign_in("leader")

    def again(_n: int) -> bool:
        try:
            factor_resets.ask(
                principal=leader,
                account=world.people["teacher"].public_id,
                school=world.home.public_id,
                throttles=NO_LIMIT,
            )
        except Rejected:
            return False
        return True

    with ThreadPoolExecutor() as pool:
        assert sum(pool.map(again, range(4))) == 1
    assert states() == ["waiting"]


def test_it_is_asked_for_so_often(world: World) -> None:
    few = Throttles(letter_address="1/hour")
    ask(world, throttles=few)
    with pytest.raises(Throttled):
        ask(world, throttles=few)


def test_who_asks_for_whom(world: World) -> None:
    # Founders: a leader, each other, a teacher of a personal school; not one whom a leader looks after.
    with pytest.raises(Rejected):
        ask(world, "teacher", by="founder")
    with pytest.raises(NotFound):
        ask(world, "founder", by="founder")
    ask(world, "leader", by="founder")
    alone = factory._person("on-her-own", "Wanda Waverly")
    with transaction(SYSTEM) as tx:
        school = factory.add_school(tx, "Waverly Window School", None)
        tx.execute(update(School).where(School.id == school.id).values(kind=SchoolKind.PERSONAL))
        tx.execute(
            insert(Membership).values(
                account_id=alone.id, school_id=school.id, role=Role.TEACHER, created_at=clock.now()
            )
        )
        factory._second_factor(tx, alone.id)
    world.people["on_her_own"] = alone
    ask(world, "on_her_own", by="founder")
    # Leaders: a teacher of the own school who has a factor, and nobody else.
    with pytest.raises(Rejected):
        ask(world, "helper")
    for role in ("outsider", "founder", "parent"):
        with pytest.raises(NotFound):
            ask(world, role)
    with pytest.raises((Denied, NotFound)):
        ask(world, by="colleague")


def test_a_leader_is_nobody_whom_another_leader_looks_after(world: World) -> None:
    leads = {"account_id": world.people["teacher"].id, "school_id": world.elsewhere.id, "role": Role.LEADER}
    with transaction(SYSTEM) as tx:
        tx.execute(insert(Membership).values(created_at=clock.now(), **leads))
    with pytest.raises(Rejected):
        ask(world)
    with transaction(SYSTEM) as tx:
        tx.execute(delete(Membership).filter_by(**leads))


def test_it_asks_for_a_fresh_proof(world: World, later: Later) -> None:
    leader: Principal = world.sign_in("leader")
    later(timedelta(minutes=11))
    with pytest.raises(ProofNeeded):
        factor_resets.ask(
            principal=leader,
            account=world.people["teacher"].public_id,
            school=world.home.public_id,
            throttles=NO_LIMIT,
        )

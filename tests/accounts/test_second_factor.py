"""Setting up, using and removing a second factor."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from sqlalchemy import select

from backoffice import clock
from backoffice.access.permissions import CONSOLE_ENTER
from backoffice.access.policy import can
from backoffice.access.principal import Principal, SessionEnded
from backoffice.access.transaction import transaction
from backoffice.accounts import codes
from backoffice.accounts.models import AccountLetter, AccountRecoveryCode, AccountSecondFactor, AccountSession
from backoffice.accounts.services import credentials, people, proof, second_factor, signing_in
from backoffice.accounts.services.proof import ProofNeeded
from backoffice.accounts.services.signing_in import CodeNeeded
from backoffice.audit.models import AuditEntry
from backoffice.families.models import GuardianLink
from backoffice.problems import Rejected, Throttled
from backoffice.schools.models import Membership, TeachingRole
from backoffice.settings import Sessions, Throttles
from backoffice.storage.public_id import new_public_id
from backoffice.throttles.visitor import Visitor
from tests.factories.world import COST, NO_LIMIT, PASSWORD, RECOVERY_CODE, SYSTEM, World

VISITOR = Visitor("198.51.100.23")


@dataclass
class Owner:
    """An account without a second factor at first, and a session of it."""

    email: str
    who: Principal

    def sign_in(self, otp: str = "", password: str = PASSWORD, throttles: Throttles = NO_LIMIT) -> Principal:
        begun = signing_in.sign_in(
            email=self.email,
            password=password,
            otp=otp,
            sessions=Sessions(),
            cost=COST,
            visitor=VISITOR,
            device=None,
            throttles=throttles,
        )
        return entered(begun.token)

    def gets_in(self, otp: str) -> bool:
        try:
            return self.sign_in(otp).account_id == self.who.account_id
        except CodeNeeded:
            return False

    def half_way(self) -> str:
        with pytest.raises(CodeNeeded) as raised:
            self.sign_in()
        return raised.value.half_way

    def go_on(self, half_way: str, otp: str, throttles: Throttles = NO_LIMIT) -> Principal:
        begun = signing_in.sign_in_by_code(
            half_way=half_way,
            otp=otp,
            sessions=Sessions(),
            visitor=VISITOR,
            device=None,
            throttles=throttles,
        )
        return entered(begun.token)

    def set_up(self) -> tuple[pyotp.TOTP, list[str]]:
        """An app, whose first code has been used, and recovery codes."""
        app = pyotp.TOTP(begun_secret(self.who))
        changed = second_factor.confirm(principal=self.who, otp=app.at(clock.now()), sessions=Sessions())
        self.who = entered(changed.token)
        return app, list(changed.recovery_codes)


def entered(token: str) -> Principal:
    with transaction(signing_in.credential(token, None)) as tx:
        return tx.principal


def begun_secret(who: Principal) -> str:
    second_factor.begin(principal=who)
    with transaction(who) as tx:
        begun = second_factor.pending(tx)
    assert begun is not None
    return begun.secret


def state(who: Principal) -> second_factor.Factor | None:
    with transaction(who) as tx:
        return second_factor.factor(tx)


def letters() -> list[str]:
    with transaction(SYSTEM) as tx:
        return list(tx.scalars(select(AccountLetter.kind).order_by(AccountLetter.id.desc()).limit(1)))


def newest_verb() -> str | None:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(AuditEntry.verb).order_by(AuditEntry.id.desc()).limit(1))


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Lets time pass."""
    at = [datetime.now(UTC)]
    monkeypatch.setattr(clock, "now", lambda: at[0])

    def later(by: timedelta) -> None:
        at[0] += by

    return later


@pytest.fixture
def owner(world: World, now: object) -> Owner:
    del world, now
    return made()


def made(*, founder: bool = False) -> Owner:
    email = f"{new_public_id()}@people.example"
    people.create_account(
        principal=SYSTEM, email=email, name="Ona Owner", password=PASSWORD, cost=COST, founder=founder
    )
    found = Owner(email, Principal(SYSTEM.credential))
    found.who = found.sign_in()
    return found


Later = Callable[[timedelta], None]
STEP = timedelta(seconds=30)


def test_signing_in_asks_for_the_code_once_there_is_a_factor(owner: Owner, now: Later) -> None:
    app, _ = owner.set_up()
    now(STEP)
    with pytest.raises(CodeNeeded) as raised:
        owner.sign_in()
    assert raised.value.sentence == signing_in.CODE_WANTED
    assert owner.sign_in(app.at(clock.now())).account_id == owner.who.account_id


def test_a_factor_that_has_shown_no_code_yet_asks_for_none(owner: Owner) -> None:
    begun_secret(owner.who)
    assert owner.sign_in().account_id == owner.who.account_id


def test_the_code_says_nothing_about_the_password(owner: Owner, now: Later) -> None:
    """Without the password nobody learns that there is a factor, or whether a code is right."""
    app, recovery = owner.set_up()
    now(STEP)
    for otp in ("", "000000", app.at(clock.now()), recovery[0]):
        with pytest.raises(Rejected) as raised:
            owner.sign_in(otp, password="wrong horse battery")
        assert raised.value.fields == {"": signing_in.REFUSED}
    assert owner.gets_in(app.at(clock.now())), "Nor is it used up by them."


@pytest.mark.parametrize(("drift", "works"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_clocks_may_be_off_by_a_step(owner: Owner, now: Later, drift: int, works: bool) -> None:
    app, _ = owner.set_up()
    now(10 * STEP)
    shown = app.at(clock.now() + drift * STEP)
    if works:
        assert owner.gets_in(shown)
        return
    with pytest.raises(CodeNeeded) as raised:
        owner.sign_in(shown)
    assert raised.value.sentence == signing_in.CODE_REFUSED
    assert newest_verb() == "accounts.sign-in-code-refused"


def test_a_code_works_once_and_no_older_one_after_it(owner: Owner, now: Later) -> None:
    app, _ = owner.set_up()
    with pytest.raises(CodeNeeded):
        owner.sign_in(app.at(clock.now()))
    now(10 * STEP)
    older, newest = app.at(clock.now() - STEP), app.at(clock.now())
    assert owner.gets_in(newest)
    for used in (newest, older):
        with pytest.raises(CodeNeeded):
            owner.sign_in(used)


def together(owner: Owner, half_way: str, otp: str) -> int:
    """How many of eight who go on at once get in."""

    def tried(_number: int) -> bool:
        try:
            owner.go_on(half_way, otp)
        except CodeNeeded:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        return sum(pool.map(tried, range(8)))


def test_of_many_who_use_one_code_at_once_one_gets_in(owner: Owner, now: Later) -> None:
    app, recovery = owner.set_up()
    now(10 * STEP)
    for otp in (app.at(clock.now()), recovery[0]):
        assert together(owner, owner.half_way(), otp) == 1


def test_a_recovery_code_works_once_in_the_place_of_the_app(owner: Owner) -> None:
    _, recovery = owner.set_up()
    assert owner.gets_in(recovery[3].upper())
    assert letters() == ["new_device"]
    with pytest.raises(CodeNeeded):
        owner.sign_in(recovery[3])
    found = state(owner.who)
    assert found
    assert found.codes_left == 9
    with transaction(SYSTEM) as tx:
        told = select(AccountLetter.kind).where(AccountLetter.account_id == owner.who.account_id)
        assert "recovery_used" in tx.scalars(told).all()


def test_nobody_uses_the_recovery_code_of_another(owner: Owner) -> None:
    owner.set_up()
    with pytest.raises(CodeNeeded):
        owner.sign_in(RECOVERY_CODE)


def test_neither_secret_nor_recovery_codes_stand_in_the_database(owner: Owner) -> None:
    app, recovery = owner.set_up()
    with transaction(SYSTEM) as tx:
        tables = (AccountSecondFactor.__table__, AccountRecoveryCode.__table__)
        held = str([tx.connection().exec_driver_sql(f"select * from {each}").all() for each in tables])
    assert app.secret not in held
    assert not [code for code in recovery if code in held or code.replace("-", "") in held]


def test_who_was_right_about_the_password_goes_on_without_it_for_minutes(owner: Owner, now: Later) -> None:
    app, _ = owner.set_up()
    half_way = owner.half_way()
    now(signing_in.HALF_WAY_LASTS - STEP)
    assert owner.go_on(half_way, app.at(clock.now())).account_id
    now(2 * STEP)
    with pytest.raises(Rejected):
        owner.go_on(half_way, app.at(clock.now()))
    assert not signing_in.may_go_on(half_way)


@pytest.mark.parametrize("forged", ["", "zz", "00" * 60])
def test_half_way_cannot_be_made_up(owner: Owner, forged: str) -> None:
    app, _ = owner.set_up()
    with pytest.raises(Rejected):
        owner.go_on(forged, app.at(clock.now() + STEP))


def test_a_changed_password_ends_what_is_half_way(owner: Owner, now: Later) -> None:
    app, _ = owner.set_up()
    half_way = owner.half_way()
    credentials.change_password(
        principal=owner.who,
        current=PASSWORD,
        new="walrus umbrella saxophone",
        visitor=VISITOR,
        cost=COST,
        sessions=Sessions(),
        throttles=NO_LIMIT,
    )
    now(STEP)
    with pytest.raises(Rejected):
        owner.go_on(half_way, app.at(clock.now()))


def test_wrong_codes_are_throttled_like_wrong_passwords(owner: Owner, now: Later) -> None:
    app, _ = owner.set_up()
    few = NO_LIMIT.model_copy(update={"password_account": "3/hour"})
    now(STEP)
    for _ in range(5):
        with pytest.raises(CodeNeeded):
            owner.sign_in(throttles=few)  # without a code nothing is guessed
    half_way = owner.half_way()
    for _ in range(2):
        with pytest.raises(CodeNeeded):
            owner.sign_in("000000", throttles=few)
    with pytest.raises(CodeNeeded):
        owner.go_on(half_way, "000000", throttles=few)
    with pytest.raises(Throttled):
        owner.go_on(half_way, app.at(clock.now()), throttles=few)
    with pytest.raises(Throttled):
        owner.sign_in(app.at(clock.now()), throttles=few)


@pytest.mark.parametrize("change", ["confirm", "renew_codes", "remove"])
def test_a_change_ends_every_other_session_and_tells_the_owner(owner: Owner, now: Later, change: str) -> None:
    verbs = {
        "confirm": ("factor_set", "accounts.set-second-factor"),
        "renew_codes": ("codes_renewed", "accounts.renew-recovery-codes"),
        "remove": ("factor_removed", "accounts.remove-second-factor"),
    }
    app, _ = owner.set_up()
    now(STEP)
    elsewhere, before = owner.sign_in(app.at(clock.now())), owner.who
    if change == "confirm":
        owner.set_up()
    else:
        act = getattr(second_factor, change)
        owner.who = entered(act(principal=owner.who, sessions=Sessions()).token)
    for over in (elsewhere, before):
        with pytest.raises(SessionEnded), transaction(over) as tx:
            tx.connection()
    assert (letters(), newest_verb()) == ([verbs[change][0]], verbs[change][1])


def test_the_app_in_use_counts_until_another_has_shown_a_code(owner: Owner, now: Later) -> None:
    app, recovery = owner.set_up()
    other = pyotp.TOTP(begun_secret(owner.who))
    now(STEP)
    with pytest.raises(Rejected):
        second_factor.confirm(principal=owner.who, otp=app.at(clock.now()), sessions=Sessions())
    with pytest.raises(CodeNeeded):
        owner.sign_in(other.at(clock.now()))
    assert owner.gets_in(app.at(clock.now()))
    second_factor.confirm(principal=owner.who, otp=other.at(clock.now()), sessions=Sessions())
    now(STEP)
    for old in (app.at(clock.now()), recovery[0]):
        with pytest.raises(CodeNeeded):
            owner.sign_in(old)
    assert owner.gets_in(other.at(clock.now()))


def test_new_recovery_codes_end_the_old_ones(owner: Owner) -> None:
    _, recovery = owner.set_up()
    changed = second_factor.renew_codes(principal=owner.who, sessions=Sessions())
    assert len(set(changed.recovery_codes)) == codes.RECOVERY_CODES
    with pytest.raises(CodeNeeded):
        owner.sign_in(recovery[0])
    assert owner.gets_in(changed.recovery_codes[0])


def test_a_removed_factor_is_asked_for_no_more(owner: Owner) -> None:
    owner.set_up()
    owner.who = entered(second_factor.remove(principal=owner.who, sessions=Sessions()).token)
    assert state(owner.who) is None
    assert owner.sign_in().account_id == owner.who.account_id


def test_what_is_not_there_is_neither_renewed_nor_removed(owner: Owner) -> None:
    begun_secret(owner.who)
    for act in (second_factor.renew_codes, second_factor.remove):
        with pytest.raises(Rejected):
            act(principal=owner.who, sessions=Sessions())


def test_a_wrong_first_code_sets_nothing_up(owner: Owner) -> None:
    begun_secret(owner.who)
    with pytest.raises(Rejected):
        second_factor.confirm(principal=owner.who, otp="12 34", sessions=Sessions())
    assert state(owner.who) is None


def test_what_reaches_far_wants_the_password_again_after_ten_minutes(owner: Owner, now: Later) -> None:
    app = pyotp.TOTP(begun_secret(owner.who))
    now(proof.LASTS)
    second_factor.begin(principal=owner.who)
    now(timedelta(seconds=1))
    acts: list[Callable[[], object]] = [
        lambda: second_factor.begin(principal=owner.who),
        lambda: second_factor.confirm(principal=owner.who, otp=app.at(clock.now()), sessions=Sessions()),
        lambda: second_factor.renew_codes(principal=owner.who, sessions=Sessions()),
        lambda: second_factor.remove(principal=owner.who, sessions=Sessions()),
    ]
    for act in acts:
        with pytest.raises(ProofNeeded):
            act()
    with pytest.raises(Rejected):
        prove(owner.who, "wrong horse battery")
    with pytest.raises(ProofNeeded):
        second_factor.begin(principal=owner.who)
    prove(owner.who, PASSWORD)
    assert newest_verb() == "accounts.prove"
    owner.set_up()


def test_going_on_after_a_change_proves_nothing(owner: Owner, now: Later) -> None:
    """Otherwise one change after another would keep a browser that was left open fresh for ever."""
    owner.set_up()
    now(proof.LASTS)
    owner.who = entered(second_factor.renew_codes(principal=owner.who, sessions=Sessions()).token)
    now(timedelta(seconds=1))
    with pytest.raises(ProofNeeded):
        second_factor.renew_codes(principal=owner.who, sessions=Sessions())


def prove(who: Principal, password: str) -> None:
    proof.prove(principal=who, password=password, visitor=VISITOR, cost=COST, throttles=NO_LIMIT)


def test_a_proof_counts_for_its_own_session_only(owner: Owner, now: Later) -> None:
    elsewhere = owner.sign_in()
    now(proof.LASTS + STEP)
    prove(owner.who, PASSWORD)
    with pytest.raises(ProofNeeded):
        second_factor.begin(principal=elsewhere)
    with transaction(SYSTEM) as tx:
        proven = select(AccountSession.proven_at).where(AccountSession.id == owner.who.session_id)
        assert tx.scalar(proven) == clock.now()


def test_a_founder_is_one_only_with_a_second_factor(world: World, now: Later) -> None:
    del world, now
    founder = made(founder=True)
    assert (founder.who.founder, founder.who.factor_missing) == (False, True)
    assert not can(founder.who, CONSOLE_ENTER)
    founder.set_up()
    assert (founder.who.founder, founder.who.factor_missing) == (True, False)
    assert can(founder.who, CONSOLE_ENTER)


def test_a_founder_changes_the_app_and_never_is_without(world: World, now: Later) -> None:
    del world
    founder = made(founder=True)
    founder.set_up()
    with pytest.raises(Rejected):
        second_factor.remove(principal=founder.who, sessions=Sessions())
    begun_secret(founder.who)
    now(STEP)
    assert entered_again(founder).founder, "What is being set up takes nothing away."


def entered_again(owner: Owner) -> Principal:
    with transaction(owner.who) as tx:
        return tx.principal


def test_a_founder_without_a_factor_has_no_other_role_either(world: World, now: Later) -> None:
    """Not by a school, a class or a child: the database hands out none of them."""
    del now
    bare = made(founder=True)
    with transaction(SYSTEM) as tx:
        for model, role in ((Membership, "teacher"), (TeachingRole, "teacher"), (GuardianLink, "parent")):
            row = tx.scalars(select(model).where(model.account_id == world.people[role].id)).first()
            assert row
            values = {
                column.name: getattr(row, column.name)
                for column in model.__table__.columns
                if column.name != "id"
            }
            values["account_id"] = bare.who.account_id
            if "public_id" in values:
                values["public_id"] = new_public_id()
            tx.add(model(**values))
    held = entered_again(bare)
    assert held.taught_schools | held.owned | held.children | held.own_classrooms == frozenset()
    bare.set_up()
    assert bare.who.taught_schools
    assert bare.who.children

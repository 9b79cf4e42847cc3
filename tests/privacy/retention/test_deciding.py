"""Changes of the policy: what the file says is in force when two founders have decided it, and not before."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from threading import Barrier

import pytest
import time_machine
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DBAPIError

from backoffice import clock
from backoffice.access.policy import Denied
from backoffice.access.principal import Nobody, Principal, Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.kinds import SESSIONS
from backoffice.accounts.models import Account, AccountSession
from backoffice.accounts.services.proof import ProofNeeded
from backoffice.audit.models import AuditEntry
from backoffice.outbox.models import MailContent, OutgoingMail
from backoffice.privacy.retention import deciding, in_force, policy
from backoffice.privacy.retention.differences import Difference
from backoffice.privacy.retention.in_force import Version
from backoffice.privacy.retention.models import PolicyVersion, VersionState
from backoffice.privacy.retention.period import Period
from backoffice.privacy.retention.runs import Rules, run_kinds
from backoffice.privacy.retention.telling import tell_schools
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from tests.factories.retention import forget_policies
from tests.factories.world import SYSTEM, World, add_founder
from tests.privacy.retention.conftest import Sessions, Write

WHO = Purpose("test")
OURS = 'columns = ["app.account_session.last_seen_at"]\naction'
SIX = f'period = "P6M"\nclock = "When the sign-in was last used."\n{OURS}'
SHORTER = (SIX, SIX.replace("P6M", "P3M"))
PINS = "It shows who of the class's teachers cleared or unlocked a child's PIN, or asked the class for PINs."
PURPOSE = (PINS, "It is used for statistics.")


@pytest.fixture(autouse=True)
def clean(runtime: Runtime) -> Iterator[None]:
    forget_policies(runtime)
    yield
    forget_policies(runtime)


@pytest.fixture(scope="module")
def founders(world: World) -> World:
    for number in (2, 3):
        add_founder(world, f"founder_{number}", f"Fay Founder the {number}.")
    return world


def rows() -> list[PolicyVersion]:
    with transaction(SYSTEM) as tx:
        return list(tx.scalars(select(PolicyVersion).order_by(PolicyVersion.id)))


def states() -> list[str]:
    return [each.state for each in rows()]


def decide(founders: World, digest: str) -> None:
    deciding.propose_policy(principal=founders.sign_in("founder"), digest=digest)
    deciding.confirm_policy(principal=founders.sign_in("founder_2"), digest=digest)


def mails(name: str) -> list[int | None]:
    with transaction(SYSTEM) as tx:
        own = select(OutgoingMail.account_id).where(OutgoingMail.name == name).order_by(OutgoingMail.id)
        return list(tx.scalars(own))


def words_of(name: str, account: int) -> list[str]:
    """The parts of the newest mail of a name to somebody."""
    with transaction(SYSTEM) as tx:
        own = select(MailContent.message).join(OutgoingMail, OutgoingMail.id == MailContent.mail_id)
        mine = own.where(OutgoingMail.name == name, OutgoingMail.account_id == account)
        written = tx.scalars(mine.order_by(OutgoingMail.id.desc()).limit(1)).one()
    found = message_from_bytes(bytes(written), policy=default)
    return [each.get_content() for each in found.walk() if each.get_content_maintype() == "text"]


def forget_mails() -> None:
    with transaction(SYSTEM) as tx:
        tx.execute(delete(OutgoingMail).where(OutgoingMail.name.like("core.policy-%")))


def audited(verb: str) -> int:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).select_from(AuditEntry).where(AuditEntry.verb == verb)) or 0


# -- the first


def test_the_file_that_ships_is_the_first_policy_and_is_taken_once(world: World) -> None:
    del world
    (first,) = rows()
    assert (first.state, first.digest) == ("confirmed", policy.on_disk().digest)
    assert (first.proposed_by, first.confirmed_by, first.later) == (None, None, [])
    assert audited("retention.accept-first-policy") == 1
    assert not deciding.accept_first(principal=WHO)
    assert len(rows()) == 1


# -- in force


def test_a_changed_file_changes_nothing_by_itself(founders: World, write: Write) -> None:
    write(SHORTER)
    assert policy.on_disk().period("adult-sessions").iso == "P3M"
    assert SESSIONS.period.iso == "P6M"
    with transaction(Nobody()) as tx:
        (found,) = in_force.undecided(in_force.read(tx.connection()))
    assert (found.name, found.changed) == ("adult-sessions", ("period",))


def test_runs_go_by_the_old_period_until_the_new_one_is_in_force(
    founders: World, write: Write, now: datetime, sessions: Sessions
) -> None:
    made = sessions(now - timedelta(days=120), now - timedelta(days=20))
    digest = write(SHORTER)
    assert run_kinds(WHO, [SESSIONS], rules=Rules(5)).gone.get("adult-sessions", 0) == 0
    deciding.propose_policy(principal=founders.sign_in("founder"), digest=digest)
    assert run_kinds(WHO, [SESSIONS], rules=Rules(5)).gone.get("adult-sessions", 0) == 0
    deciding.confirm_policy(principal=founders.sign_in("founder_2"), digest=digest)
    assert run_kinds(WHO, [SESSIONS], rules=Rules(5)).gone["adult-sessions"] == 1
    with transaction(SYSTEM) as tx:
        left = tx.scalars(select(AccountSession.id).where(AccountSession.id.in_(made))).all()
    assert left == made[1:]


def test_longer_is_in_force_thirty_days_after_schools_were_told_and_shorter_at_once(
    founders: World, write: Write, now: datetime, sessions: Sessions
) -> None:
    decide(founders, write(SHORTER))
    tell_schools(principal=WHO)
    made = sessions(now - timedelta(days=70))
    digest = write(PURPOSE)
    decide(founders, digest)
    assert in_force.versions()[-1].later == {"adult-sessions", "cleared-pins"}
    with time_machine.travel(now + timedelta(days=60), tick=False):
        # Nobody was told yet, whatever time goes by.
        assert SESSIONS.period.iso == "P3M"
        tell_schools(principal=WHO)
        version = rows()[-1]
        assert version.later_at is not None
        assert version.later_at - clock.now() >= timedelta(days=30)
        assert version.later_at.astimezone(UTC).time().isoformat() == "00:00:00"
        assert SESSIONS.period.iso == "P3M"
        begins = version.later_at
    with time_machine.travel(begins - timedelta(seconds=1), tick=False):
        assert SESSIONS.period.iso == "P3M"
        assert in_force.current().entries["cleared-pins"].purpose == PINS
    with time_machine.travel(begins, tick=False):
        assert SESSIONS.period.iso == "P6M"
        assert in_force.current().entries["cleared-pins"].purpose == PURPOSE[1]
        # Kept for four months by now, and not due by the new period.
        assert run_kinds(WHO, [SESSIONS], rules=Rules(5)).gone.get("adult-sessions", 0) == 0
    with transaction(SYSTEM) as tx:
        assert tx.scalars(select(AccountSession.id).where(AccountSession.id.in_(made))).all() == made


def test_what_is_still_to_come_is_taken_back_at_once(founders: World, write: Write, now: datetime) -> None:
    decide(founders, write(PURPOSE))
    tell_schools(principal=WHO)
    decide(founders, write())
    with time_machine.travel(now + timedelta(days=90), tick=False):
        assert in_force.current().entries["cleared-pins"].purpose == PINS


def test_an_open_run_takes_nothing_that_is_kept_for_longer_by_now(
    founders: World, write: Write, now: datetime, sessions: Sessions
) -> None:
    from backoffice.privacy.retention.models import RetentionRun, RunState

    made = sessions(now - timedelta(days=120))
    decide(founders, write(SHORTER))
    with transaction(SYSTEM) as tx:
        began = {"up_to": SESSIONS.before(now), "began_at": now, "gone": 0, "state": RunState.RUNNING}
        tx.add(RetentionRun(kind="adult-sessions", **began))
    decide(founders, write())
    tell_schools(principal=WHO)
    with time_machine.travel(now + timedelta(days=31), tick=False):
        assert SESSIONS.period.iso == "P6M"
        run_kinds(WHO, [SESSIONS], rules=Rules(5))
    with transaction(SYSTEM) as tx:
        assert tx.scalars(select(AccountSession.id).where(AccountSession.id.in_(made))).all() == made


def test_a_kind_that_nobody_has_decided_about_is_as_the_file_has_it(now: datetime) -> None:
    ours = policy.on_disk()
    fewer = policy.Policy({name: each for name, each in ours.entries.items() if name != "mails"})
    decided = [Version(1, fewer, "", now)]
    assert in_force.at(now, decided).entries == ours.entries
    (found,) = in_force.undecided(decided)
    assert found == Difference("mails", None, ours.entries["mails"])
    assert in_force.forced(decided, [found]) == {"mails"}


@pytest.mark.parametrize(
    "values", [{"columns": ("app.mail.created_at",)}, {"period": Period(9, "month")}, {"plugin": "rosters"}]
)
def test_what_the_program_cannot_go_by_gives_way_to_the_file(
    now: datetime, values: dict[str, object]
) -> None:
    ours = policy.on_disk()
    old = replace(ours.entries["mails"], **values)  # type: ignore[arg-type]
    decided = [Version(1, policy.Policy({**ours.entries, "mails": old}), "", now)]
    assert in_force.at(now, decided).entries["mails"] == ours.entries["mails"]
    assert in_force.forced(decided, in_force.undecided(decided)) == {"mails"}


def test_what_was_changed_before_it_began_never_begins(now: datetime) -> None:
    ours = policy.on_disk()

    def kept(days: int) -> policy.Policy:
        mails = replace(ours.entries["mails"], period=Period(days, "day"))
        return policy.Policy({**ours.entries, "mails": mails})

    later, day = frozenset({"mails"}), timedelta(days=1)
    first = Version(1, kept(10), "", now)
    decided = [
        first,
        Version(2, kept(30), "", now + day, later, now + 31 * day),
        Version(3, kept(20), "", now + 11 * day, later, now + 41 * day),
    ]
    for days, period in ((30, 10), (32, 10), (40, 10), (41, 20)):
        in_days = in_force.at(now + days * day, decided)
        assert in_days.entries["mails"].period.count == period
    # What it was when something else was decided stays the history of it.
    begun = [*decided[:2], Version(3, kept(20), "", now + 35 * day, later, now + 65 * day)]
    assert in_force.at(now + 40 * day, begun).entries["mails"].period.count == 30


def test_what_another_process_decided_counts_within_two_seconds(
    founders: World, write: Write, now: datetime
) -> None:
    digest = write(SHORTER)
    assert SESSIONS.period.iso == "P6M"
    with transaction(SYSTEM) as tx:
        of = {"proposed_at": now, "confirmed_at": now, "said": policy.on_disk().said, "digest": digest}
        tx.add(PolicyVersion(state=VersionState.CONFIRMED, later=[], told=0, **of))
    with time_machine.travel(now + timedelta(seconds=2), tick=False):
        assert SESSIONS.period.iso == "P3M"


# -- two founders


def test_one_proposes_and_another_confirms(founders: World, write: Write) -> None:
    forget_mails()
    digest = write(SHORTER)
    deciding.propose_policy(principal=founders.sign_in("founder"), digest=digest)
    assert states() == ["confirmed", "waiting"]
    others = {founders.people[each].id for each in ("founder_2", "founder_3")}
    assert set(mails("core.policy-proposed")) == others
    deciding.confirm_policy(principal=founders.sign_in("founder_2"), digest=digest)
    last = rows()[-1]
    assert (last.state, last.proposed_by, last.confirmed_by) == (
        "confirmed",
        founders.people["founder"].id,
        founders.people["founder_2"].id,
    )
    for verb in ("propose", "confirm"):
        assert audited(f"retention.{verb}-policy") >= 1


def test_nobody_confirms_the_own_proposal(founders: World, write: Write) -> None:
    digest = write(SHORTER)
    founder = founders.sign_in("founder")
    deciding.propose_policy(principal=founder, digest=digest)
    for principal in (founder, founders.sign_in("founder")):
        with pytest.raises(Rejected, match=r"A second founder has to confirm it\."):
            deciding.confirm_policy(principal=principal, digest=digest)
    # Nor past the service: the database refuses it, and everything but a decision in the own name.
    for values in (
        {"confirmed_by": founder.account_id},
        {"confirmed_by": founders.people["founder_2"].id},
        {"confirmed_by": None},
    ):
        with pytest.raises(DBAPIError), transaction(founder) as tx:
            waiting = update(PolicyVersion).where(PolicyVersion.state == "waiting")
            tx.execute(waiting.values(state="confirmed", confirmed_at=clock.now(), **values))
    assert states() == ["confirmed", "waiting"]
    assert SESSIONS.period.iso == "P6M"


def test_nothing_is_proposed_in_the_name_of_another(founders: World, write: Write) -> None:
    write(SHORTER)
    values = {"said": "{}", "digest": "x", "later": [], "told": 0, "proposed_at": clock.now()}
    for state, by in (("waiting", "founder_2"), ("confirmed", "founder")):
        with pytest.raises(DBAPIError), transaction(founders.sign_in("founder")) as tx:
            number = tx.take_id(PolicyVersion)
            at = clock.now() if state == "confirmed" else None
            tx.add(
                PolicyVersion(
                    id=number, state=state, proposed_by=founders.people[by].id, confirmed_at=at, **values
                )
            )


def test_what_was_decided_nobody_of_the_web_changes(founders: World, write: Write) -> None:
    decide(founders, write(SHORTER))
    with transaction(founders.sign_in("founder_3")) as tx:
        done = tx.execute(update(PolicyVersion).values(state="void", ended_at=clock.now()))
        assert done.rowcount == 0  # type: ignore[attr-defined]
    for statement in ("update app.policy_version set said = ''", "delete from app.policy_version"):
        with pytest.raises(DBAPIError), transaction(founders.sign_in("founder_3")) as tx:
            tx.execute(text(statement))


@pytest.mark.parametrize("role", ["leader", "officer", "teacher"])
def test_nobody_else_decides_or_reads_what_waits(founders: World, write: Write, role: str) -> None:
    digest = write(SHORTER)
    deciding.propose_policy(principal=founders.sign_in("founder"), digest=digest)
    for verb in (deciding.propose_policy, deciding.confirm_policy, deciding.withdraw_policy):
        with pytest.raises(Denied):
            verb(principal=founders.sign_in(role), digest=digest)
    with transaction(founders.sign_in(role)) as tx:
        assert tx.scalars(select(PolicyVersion)).all() == []
        assert len(in_force.read(tx.connection())) == 1


def stale(principal: Principal) -> Principal:
    with transaction(SYSTEM) as tx:
        own = AccountSession.id == principal.session_id
        tx.execute(update(AccountSession).where(own).values(proven_at=clock.now() - timedelta(hours=1)))
    return principal


def test_each_step_wants_a_fresh_proof(founders: World, write: Write) -> None:
    digest = write(SHORTER)
    deciding.propose_policy(principal=founders.sign_in("founder"), digest=digest)
    late = stale(founders.sign_in("founder_2"))
    for verb in (deciding.propose_policy, deciding.confirm_policy, deciding.withdraw_policy):
        with pytest.raises(ProofNeeded):
            verb(principal=late, digest=digest)


def test_of_two_who_confirm_at_once_one_has_decided(founders: World, write: Write) -> None:
    forget_mails()
    digest = write(SHORTER)
    deciding.propose_policy(principal=founders.sign_in("founder"), digest=digest)
    both, ready = [founders.sign_in(f"founder_{number}") for number in (2, 3)], Barrier(2)

    def confirm(principal: Principal) -> str:
        ready.wait()
        try:
            deciding.confirm_policy(principal=principal, digest=digest)
        except Rejected as rejected:
            return str(rejected.in_words)
        return "confirmed"

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(confirm, both))
    assert said == [str(deciding.OVER), "confirmed"]
    assert states() == ["confirmed", "confirmed"]


def test_a_proposal_is_of_one_file(founders: World, write: Write) -> None:
    digest = write(SHORTER)
    deciding.propose_policy(principal=founders.sign_in("founder"), digest=digest)
    with pytest.raises(Rejected, match="waits for a second founder"):
        deciding.propose_policy(principal=founders.sign_in("founder_2"), digest=digest)
    other = write(PURPOSE)
    for seen in (digest, other):
        with pytest.raises(Rejected, match=r"holds no more|does not wait any more"):
            deciding.confirm_policy(principal=founders.sign_in("founder_2"), digest=seen)
    deciding.propose_policy(principal=founders.sign_in("founder_2"), digest=other)
    assert states() == ["confirmed", "void", "waiting"]
    assert in_force.current().entries["cleared-pins"].purpose == PINS


def test_what_changed_on_disk_since_the_start_is_not_decided_unseen(
    founders: World, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = write(SHORTER)
    seen = policy.on_disk()
    write(PURPOSE)
    monkeypatch.setattr(policy, "on_disk", lambda: seen)
    with pytest.raises(Rejected, match="Restart the service"):
        deciding.propose_policy(principal=founders.sign_in("founder"), digest=digest)
    monkeypatch.undo()


def test_there_is_something_to_propose(founders: World, write: Write) -> None:
    with pytest.raises(Rejected, match="nothing to propose"):
        deciding.propose_policy(principal=founders.sign_in("founder"), digest=write())


def test_any_founder_withdraws_and_then_nothing_waits(founders: World, write: Write) -> None:
    digest = write(SHORTER)
    deciding.propose_policy(principal=founders.sign_in("founder"), digest=digest)
    deciding.withdraw_policy(principal=founders.sign_in("founder_2"), digest=digest)
    assert states() == ["confirmed", "withdrawn"]
    for verb in (deciding.confirm_policy, deciding.withdraw_policy):
        with pytest.raises(Rejected, match="does not wait any more"):
            verb(principal=founders.sign_in("founder_2"), digest=digest)
    deciding.propose_policy(principal=founders.sign_in("founder"), digest=digest)


def test_whose_account_is_gone_has_proposed_nothing(founders: World, write: Write) -> None:
    digest = write(SHORTER)
    deciding.propose_policy(principal=founders.sign_in("founder"), digest=digest)
    with transaction(SYSTEM) as tx:
        tx.execute(update(PolicyVersion).where(PolicyVersion.state == "waiting").values(proposed_by=None))
    with pytest.raises(Rejected, match="Withdraw it"):
        deciding.confirm_policy(principal=founders.sign_in("founder_2"), digest=digest)


# -- schools


def answerable(founders: World) -> set[int]:
    return {founders.people[role].id for role in ("leader", "officer")}


def test_schools_are_told_once_each_and_in_their_language(founders: World, write: Write) -> None:
    forget_mails()
    with transaction(SYSTEM) as tx:
        leader = Account.id == founders.people["leader"].id
        tx.execute(update(Account).where(leader).values(language="es"))
    decide(founders, write(SHORTER, PURPOSE))
    assert tell_schools(principal=WHO) == len(answerable(founders))
    assert set(mails("core.policy-changed")) == answerable(founders)
    written = words_of("core.policy-changed", founders.people["leader"].id)
    for part in written:
        assert "Entradas de personas adultas" in part
        assert "6 meses" in part
        assert "3 meses" in part
    assert "6 months" in " ".join(words_of("core.policy-changed", founders.people["officer"].id))
    last = rows()[-1]
    assert (last.told, last.told_up_to) == (len(answerable(founders)), None)
    assert last.told_at is not None
    assert tell_schools(principal=WHO) == 0
    assert len(mails("core.policy-changed")) == len(answerable(founders))
    assert audited("retention.tell-policy") >= 1


def test_nobody_is_told_of_what_was_decided_anew_before_it_began(founders: World, write: Write) -> None:
    forget_mails()
    decide(founders, write(PURPOSE))
    decide(founders, write())
    assert tell_schools(principal=WHO) == len(answerable(founders))
    told = " ".join(words_of("core.policy-changed", founders.people["officer"].id))
    assert "In force now" in told
    assert "In force from" not in told


def test_telling_that_was_killed_goes_on_where_it_was(
    founders: World, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_mails()
    decide(founders, write(PURPOSE))

    def killed(told: int) -> None:
        if told == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tell_schools(principal=WHO, batch=1, progress=killed)
    assert len(mails("core.policy-changed")) == 1
    promised = rows()[-1].later_at
    tell_schools(principal=WHO, batch=1)
    assert sorted(mails("core.policy-changed"), key=str) == sorted(answerable(founders), key=str)
    assert rows()[-1].later_at == promised


def test_where_telling_takes_days_its_end_counts(founders: World, write: Write, now: datetime) -> None:
    decide(founders, write(PURPOSE))

    def killed(_told: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tell_schools(principal=WHO, batch=1, progress=killed)
    with time_machine.travel(now + timedelta(days=10), tick=False):
        tell_schools(principal=WHO, batch=1)
    later = rows()[-1].later_at
    assert later is not None
    assert later >= now + timedelta(days=40)

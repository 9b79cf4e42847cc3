"""Founders and leaders who were not here for long, and their ways back."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.care.services import at_the_server, dormancy
from backoffice.accounts.models import Account, AccountStatus, LinkPurpose
from backoffice.accounts.services import credentials, letters
from backoffice.problems import Rejected
from backoffice.throttles.visitor import Visitor
from tests.accounts.care.conftest import Later
from tests.accounts.care.people import gets_in, is_out, link_in, mailed, noted, open_events, status
from tests.factories.world import COST, NO_LIMIT, PASSWORD, SYSTEM, World

JOB = Purpose("test")
NOTHING = {"told": 0, "locked": 0}
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _here_now(world: World, later: Later) -> None:
    """Everybody was here just now, and a later test finds everybody open."""
    del later
    with transaction(SYSTEM) as tx:
        tx.execute(
            update(Account).values(
                last_active_at=clock.now(), status=AccountStatus.ACTIVE, idle_warned_at=None
            )
        )


def idle(world: World, *roles: str, days: int) -> None:
    """These have not signed in for so many days."""
    with transaction(SYSTEM) as tx:
        numbers = [world.people[role].id for role in roles]
        tx.execute(
            update(Account).where(Account.id.in_(numbers)).values(last_active_at=clock.now() - days * DAY)
        )


def reset(world: World, role: str) -> str | None:
    """The token of a link that was asked for by mail, if one came."""
    person = world.people[role]
    before = len(mailed(person))
    credentials.ask_to_reset(email=person.email, visitor=Visitor(), throttles=NO_LIMIT)
    after = mailed(person)
    return link_in(after[-1], "reset") if len(after) > before else None


def use(token: str) -> None:
    credentials.reset_password(token=token, password=PASSWORD, cost=COST, address=None)


def test_signing_in_keeps_up_when_somebody_was_here(world: World) -> None:
    idle(world, "leader", days=80)
    world.sign_in("leader")
    with transaction(SYSTEM) as tx:
        seen = tx.scalar(select(Account.last_active_at).where(Account.id == world.people["leader"].id))
    assert seen == clock.now()


def test_told_a_week_before_and_then_locked(world: World, later: Later) -> None:
    founder, leader = world.people["founder"], world.people["leader"]
    inside = world.sign_in("founder"), world.sign_in("leader")
    idle(world, "founder", "leader", "teacher", "parent", days=82)
    assert dormancy.lock_dormant(JOB) == NOTHING
    later(DAY)
    assert dormancy.lock_dormant(JOB) == {"told": 2, "locked": 0}
    assert dormancy.lock_dormant(JOB) == NOTHING
    assert "Sign in before this day and nothing happens." in mailed(leader)[-1]
    later(7 * DAY - timedelta(minutes=1))
    assert dormancy.lock_dormant(JOB) == NOTHING
    later(timedelta(minutes=1))
    assert dormancy.lock_dormant(JOB) == {"told": 0, "locked": 2}
    assert dormancy.lock_dormant(JOB) == NOTHING
    # Nobody else is looked at, however long they were away.
    assert [status(world.people[r]) for r in ("founder", "leader", "teacher", "parent")] == [
        "dormant",
        "dormant",
        "active",
        "active",
    ]
    assert (gets_in(world, "founder"), gets_in(world, "leader")) == (False, False)
    later(-90 * DAY)
    assert [is_out(each) for each in inside] == [True, True]
    assert (open_events(founder), noted("accounts.lock-dormant")) == (["dormant"], 2)
    assert "Ask whoever runs the server" in mailed(founder)[-1]
    assert "choose a new password and sign in with it" in mailed(leader)[-1]


def test_who_comes_in_is_not_locked(world: World, later: Later) -> None:
    idle(world, "leader", days=85)
    assert dormancy.lock_dormant(JOB)["told"] == 1
    later(6 * DAY)
    world.sign_in("leader")
    later(DAY)
    assert dormancy.lock_dormant(JOB)["locked"] == 0
    # And is told again, the next time.
    later(83 * DAY)
    assert dormancy.lock_dormant(JOB)["told"] >= 1
    assert status(world.people["leader"]) == "active"


def test_nobody_is_locked_who_was_not_told_in_time(world: World, later: Later) -> None:
    """However long the job did not run."""
    idle(world, "leader", days=400)
    assert dormancy.lock_dormant(JOB) == {"told": 1, "locked": 0}
    later(6 * DAY)
    assert dormancy.lock_dormant(JOB)["locked"] == 0
    later(DAY)
    assert dormancy.lock_dormant(JOB)["locked"] == 1


def test_killed_in_the_middle_the_next_run_does_the_rest(
    world: World, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle(world, "founder", "leader", days=83)
    dormancy.lock_dormant(JOB)
    later(7 * DAY)
    ask, asked = letters.ask, []

    def dies(*arguments: object, **named: object) -> None:
        ask(*arguments, **named)  # type: ignore[arg-type]
        asked.append(named)
        if len(asked) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(letters, "ask", dies)
    with pytest.raises(KeyboardInterrupt):
        dormancy.lock_dormant(JOB)
    monkeypatch.setattr(letters, "ask", ask)
    states = {status(world.people["founder"]), status(world.people["leader"])}
    assert states == {"active", "dormant"}
    assert dormancy.lock_dormant(JOB)["locked"] == 1


def locked(world: World, role: str, later: Later) -> None:
    idle(world, role, days=83)
    dormancy.lock_dormant(JOB)
    later(7 * DAY)
    dormancy.lock_dormant(JOB)
    assert status(world.people[role]) == "dormant"


def test_a_leader_comes_back_by_mail(world: World, later: Later) -> None:
    locked(world, "leader", later)
    token = reset(world, "leader")
    assert token is not None
    use(token)
    assert gets_in(world, "leader")
    assert dormancy.lock_dormant(JOB) == NOTHING


def test_a_new_password_alone_opens_it_for_no_longer_than_a_day(world: World, later: Later) -> None:
    """Whoever has the mailbox and not the second factor does not keep a leader's account open."""
    locked(world, "leader", later)
    token = reset(world, "leader")
    assert token is not None
    use(token)
    assert dormancy.lock_dormant(JOB)["locked"] == 1


def test_a_founder_comes_back_by_the_server_alone(world: World, later: Later) -> None:
    locked(world, "founder", later)
    assert reset(world, "founder") is None
    opened = at_the_server.unlock(principal=SYSTEM, email=world.people["founder"].email)
    assert opened.account == world.people["founder"].public_id
    assert not gets_in(world, "founder")
    use(opened.token)
    with pytest.raises(Rejected):
        use(opened.token)
    assert gets_in(world, "founder")
    assert noted("accounts.unlock") == 1


def test_a_link_of_before_opens_nothing_for_a_founder(world: World, later: Later) -> None:
    token = reset(world, "founder")
    assert token is not None
    locked(world, "founder", later)
    with pytest.raises(Rejected):
        use(token)


def test_no_link_of_whatever_origin_opens_it_for_a_founder(world: World, later: Later) -> None:
    locked(world, "founder", later)
    with transaction(SYSTEM) as tx:
        account = tx.get_one(Account, world.people["founder"].id)
        token, _until = letters.make_link(tx, account, LinkPurpose.RESET, DAY)
    with pytest.raises(Rejected):
        use(token)

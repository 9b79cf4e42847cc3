"""`backoffice accounts`: the first founder, and the way back."""

import json
import re

import pytest
from sqlalchemy import select, update

from backoffice.access.transaction import transaction
from backoffice.accounts.addresses import email_index
from backoffice.accounts.models import Account, AccountStatus
from backoffice.accounts.services import credentials
from backoffice.schools.models import Membership
from tests.accounts.care.people import gets_in, noted, status
from tests.factories.commands import Answer, Run
from tests.factories.world import COST, PASSWORD, SYSTEM, World


def token_in(answer: Answer) -> str:
    found = re.search(r"http://localhost:8000/reset/([A-Za-z0-9_-]{43})\s", answer.out)
    assert found
    return found.group(1)


def made(email: str) -> Account:
    with transaction(SYSTEM) as tx:
        return tx.scalars(select(Account).where(Account.email_index == email_index(email))).one()


def test_a_first_founder_chooses_a_password_by_the_link(run: Run, world: World) -> None:
    del world
    before = noted("accounts.create")
    answer = run("accounts", "create", "--role", "founder", "--email", "First@people.example")
    assert (answer.code, answer.err) == (0, "")
    token = token_in(answer)
    credentials.reset_password(token=token, password=PASSWORD, cost=COST, address=None)
    account = made("first@people.example")
    assert (account.founder, account.status, account.name) == (True, "active", "first")
    assert noted("accounts.create") == before + 1
    # Once, and not again.
    assert not credentials.link_opens(purpose="reset", token=token)  # type: ignore[arg-type]


@pytest.mark.parametrize("role", ["leader", "teacher"])
def test_leaders_and_teachers_have_a_school(run: Run, world: World, role: str) -> None:
    email = f"new-{role}@people.example"
    arguments = ("accounts", "create", "--role", role, "--email", email, "--name", "Nora New", "--json")
    answer = run(*arguments, "--school", world.home.public_id)
    said = json.loads(answer.out)
    account = made(email)
    assert (answer.code, said["account"], account.name) == (0, account.public_id, "Nora New")
    assert set(said) == {"account", "link", "until"}
    assert said["link"].startswith("http://localhost:8000/reset/")
    with transaction(SYSTEM) as tx:
        held = tx.scalars(select(Membership).where(Membership.account_id == account.id)).one()
    assert (held.school_id, held.role) == (world.home.id, role)


@pytest.mark.parametrize(
    ("role", "email", "school"),
    [
        ("teacher", "somebody@people.example", None),
        ("founder", "somebody@people.example", "home"),
        ("leader", "somebody@people.example", "2" * 16),
        ("founder", "teacher@people.example", None),
        ("founder", "no address", None),
        ("janitor", "somebody@people.example", None),
    ],
)
def test_bad_input_makes_nothing(run: Run, world: World, role: str, email: str, school: str | None) -> None:
    named = ("--school", world.home.public_id if school == "home" else school) if school else ()
    answer = run("accounts", "create", "--role", role, "--email", email, *named)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err
    assert email not in answer.err
    with transaction(SYSTEM) as tx:
        index = email_index("somebody@people.example")
        assert tx.scalar(select(Account.id).where(Account.email_index == index)) is None


@pytest.mark.parametrize("state", [AccountStatus.LOCKED, AccountStatus.DORMANT])
def test_a_locked_account_is_opened_by_the_link_alone(run: Run, world: World, state: AccountStatus) -> None:
    leader = world.people["leader"]
    with transaction(SYSTEM) as tx:
        tx.execute(update(Account).where(Account.id == leader.id).values(status=state))
    answer = run("accounts", "unlock", "--email", leader.email)
    assert (answer.code, status(leader), gets_in(world, "leader")) == (0, "locked", False)
    credentials.reset_password(token=token_in(answer), password=PASSWORD, cost=COST, address=None)
    assert gets_in(world, "leader")


@pytest.mark.parametrize(
    ("email", "state", "said"),
    [
        ("nobody@people.example", None, "There is no account"),
        ("helper@people.example", AccountStatus.ACTIVE, "is not locked"),
        ("helper@people.example", AccountStatus.NOT_INVITED, "is not locked"),
        ("helper@people.example", AccountStatus.SUSPENDED, "A founder reinstates it"),
        ("no address", None, "Write a full e-mail address"),
    ],
)
def test_nothing_else_is_unlocked(
    run: Run, world: World, email: str, state: AccountStatus | None, said: str
) -> None:
    if state:
        with transaction(SYSTEM) as tx:
            tx.execute(update(Account).where(Account.id == world.people["helper"].id).values(status=state))
    answer = run("accounts", "unlock", "--email", email)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err

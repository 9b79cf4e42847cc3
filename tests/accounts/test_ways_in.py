"""No way in has weaker checks than the others, and a new installation has none that is known beforehand."""

from collections.abc import Mapping

import pytest
import zxcvbn.frequency_lists
from flask import Flask
from sqlalchemy import func, select

from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account
from backoffice.accounts.passwords import SHORTEST, problem_of
from backoffice.accounts.services import credentials, letters, signing_in
from backoffice.accounts.services.signing_in import REFUSED, CodeNeeded
from backoffice.problems import Rejected
from backoffice.runtime import Runtime
from backoffice.settings import Sessions
from backoffice.throttles.visitor import Visitor
from tests.accounts.test_credentials import reset_link
from tests.factories.world import COST, NO_LIMIT, SYSTEM, make_world

NEW = "walrus umbrella saxophone"


def sign_in(email: str, password: str, otp: str = "") -> signing_in.SignedIn:
    return signing_in.sign_in(
        email=email,
        password=password,
        otp=otp,
        sessions=Sessions(),
        cost=COST,
        visitor=Visitor("198.51.100.77"),
        device=None,
        throttles=NO_LIMIT,
    )


@pytest.mark.parametrize("name", ["admin", "root", "test", "founder", "admin@localhost"])
def test_a_new_installation_lets_nobody_in(runtime: Runtime, name: str) -> None:
    """Before anybody was made: there is no account, and what is tried first is refused like all else."""
    del runtime
    with transaction(SYSTEM) as tx:
        assert tx.scalar(select(func.count()).select_from(Account)) == 0
    for password in (name, "admin", "password", ""):
        with pytest.raises(Rejected) as raised:
            sign_in(name, password)
        assert raised.value.fields == {"": REFUSED}


def test_a_reset_does_not_stand_in_for_the_second_factor(app: Flask) -> None:
    """Whoever has the mailbox has one factor, and not two."""
    del app
    founder = make_world().people["founder"]
    letters.write_letters(Purpose("test"))
    credentials.reset_password(token=reset_link(founder.email), password=NEW, cost=COST, address=None)
    with pytest.raises(CodeNeeded):
        sign_in(founder.email, NEW)
    assert sign_in(founder.email, NEW, founder.otp()).token


def test_of_a_leaked_list_no_password_is_taken() -> None:
    """Those that are long enough to be taken at all; the list ships in a package and asks nobody."""
    lists: Mapping[str, list[str]] = zxcvbn.frequency_lists.FREQUENCY_LISTS
    common = lists["passwords"]
    assert len(common) > 10_000
    assert all(problem_of(each) for each in common[:3_000])
    assert [each for each in common if len(each) >= SHORTEST and problem_of(each) is None] == []

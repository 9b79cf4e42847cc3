"""What no foreign key leads to is found by an index, however many others there are."""

import pytest
from sqlalchemy import Table

from backoffice.accounts.address_models import SignUp
from backoffice.accounts.models import AccountLetter
from backoffice.accounts.providers.models import IdentityOffer
from backoffice.families.models import GuardianInvitation
from backoffice.staff.models import Invitation
from backoffice.storage.base import Base


@pytest.mark.parametrize(
    "model",
    [SignUp, IdentityOffer, AccountLetter, Invitation, GuardianInvitation],
    ids=lambda each: each.__name__,
)
def test_what_was_sent_to_an_address_is_found_by_an_index(model: type[Base]) -> None:
    table = model.__table__
    assert isinstance(table, Table)
    leading = {
        next(iter(index.columns)).name
        for index in table.indexes
        if not index.dialect_kwargs.get("postgresql_where")
    }
    assert "email_index" in leading

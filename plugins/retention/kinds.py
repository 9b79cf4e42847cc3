"""The kinds of data that retention itself looks after: accounts, classes and schools, with all of theirs."""

from backoffice.accounts.models import Account
from backoffice.privacy.retention.kinds import Kind, Rows
from backoffice.schools.ending_models import ContractEnd, OwnerlessClass
from backoffice.schools.services import contracts
from plugins.retention.models import IdleAccount
from plugins.retention.queries import is_teachers, used_at

# Nobody goes who was not told.
AT_LEAST_ONE = (1, None)

IDLE = Kind(
    "inactive-teachers",
    (Rows(Account, used_at(), clock=Account.last_active_at, only=is_teachers()),),
    work=True,
    by="retention.look-after-idle",
    warned=AT_LEAST_ONE,
)
ALONE = Kind(
    "accounts-without-a-place",
    (Rows(IdleAccount, IdleAccount.alone_since),),
    work=True,
    by="retention.look-after-idle",
    warned=(1, 1),
)
OWNERLESS = Kind(
    "ownerless-classes",
    (Rows(OwnerlessClass, OwnerlessClass.since),),
    work=True,
    by="retention.look-after-ownerless",
    warned=AT_LEAST_ONE,
)
ENDED = Kind(
    contracts.KIND,
    (Rows(ContractEnd, ContractEnd.ends_at),),
    work=True,
    by="retention.look-after-contracts",
    warned=AT_LEAST_ONE,
)
KINDS = (IDLE, ALONE, OWNERLESS, ENDED)

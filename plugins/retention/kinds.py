"""The kinds of data that retention itself looks after: accounts, with all that is theirs."""

from backoffice.accounts.models import Account
from backoffice.privacy.retention.kinds import Kind, Rows
from plugins.retention.models import IdleAccount
from plugins.retention.queries import is_teachers, used_at

IDLE = Kind(
    "inactive-teachers",
    (Rows(Account, used_at(), clock=Account.last_active_at, only=is_teachers()),),
    work=True,
    by="retention.look-after-idle",
)
ALONE = Kind(
    "accounts-without-a-place",
    (Rows(IdleAccount, IdleAccount.alone_since),),
    work=True,
    by="retention.look-after-idle",
)
KINDS = (IDLE, ALONE)

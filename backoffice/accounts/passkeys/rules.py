"""Who may see passkeys: their owner."""

from backoffice.access.policy import Rule, register
from backoffice.accounts.passkeys.models import AccountPasskey

register(Rule(AccountPasskey, read=None, school=None, account="account_id"))

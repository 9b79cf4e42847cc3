"""Who may see identity providers and who is linked with them."""

from backoffice.access.policy import Rule, register
from backoffice.accounts.providers.models import AccountIdentity

register(Rule(AccountIdentity, read=None, school=None, account="account_id"))

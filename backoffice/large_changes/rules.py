"""Where large changes belong, for the policy: to whoever asked for them, and to nobody else."""

from backoffice.access.policy import Rule, register
from backoffice.large_changes.models import LargeChange

register(Rule(LargeChange, read=None, school=None, account="account_id"))

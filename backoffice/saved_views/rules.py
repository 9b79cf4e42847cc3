"""Where saved views belong, for the policy: to their owner, and to the school that shares them."""

from backoffice.access.policy import Rule, register
from backoffice.saved_views.models import SavedView

register(Rule(SavedView, read=None, account="account_id"))

"""Where saved views belong, for the policy: to their owner, or to the school in which they are shared."""

from backoffice.access.permissions import VIEWS_SAVE
from backoffice.access.policy import Rule, register
from backoffice.saved_views.models import SavedView

register(Rule(SavedView, read=VIEWS_SAVE, account="account_id"))

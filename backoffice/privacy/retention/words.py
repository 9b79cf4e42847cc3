"""How the policy is said to people, where that does not stand in its file."""

from collections.abc import Mapping

from backoffice.language.texts import gettext, lazy
from backoffice.privacy.retention.period import Period
from backoffice.privacy.retention.policy import Action

ACTIONS: Mapping[Action, str] = {
    Action.ERASE: lazy("It is erased."),
    Action.EMPTY: lazy("What it tells is erased. That there was something stays."),
    Action.CLOSE: lazy("It is closed."),
}


def kept_for(period: Period) -> str:
    """How long, as a person says it."""
    return period.words if period.count else gettext("until then, and no longer")

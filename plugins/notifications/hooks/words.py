"""What the states of calls are called."""

from collections.abc import Mapping

from backoffice.language.texts import lazy
from plugins.notifications.hooks.models import CallState

STATES: Mapping[CallState, tuple[str, str]] = {
    CallState.WAITING: (lazy("Waiting"), "info"),
    CallState.DELIVERED: (lazy("Delivered"), "good"),
    CallState.GIVEN_UP: (lazy("Given up"), "bad"),
}
# As founders read it of a notice, in this order.
PROGRESS: Mapping[CallState, str] = {
    CallState.DELIVERED: lazy("Systems of districts that were called"),
    CallState.WAITING: lazy("Systems of districts still to be called"),
    CallState.GIVEN_UP: lazy("Systems of districts that were given up"),
}

"""What the plugin makes sure of when a process starts."""

from collections.abc import Sequence

from backoffice.settings import Settings
from plugins.billing import asking, plans


def start(settings: Settings) -> Sequence[str]:
    """Connect to the settings' Stripe; what is wrong with the plans, a sentence each."""
    try:
        plans.current()
    except plans.PlansError as error:
        return error.problems
    asking.connect(settings)
    return ()

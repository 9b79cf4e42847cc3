"""How long tries are counted."""

from backoffice.privacy.retention.kinds import Kind, Rows
from backoffice.students.pins.network_models import LockedNetwork
from backoffice.throttles.models import Throttle

# By a function of the database: a network that a school has opened stays until its day is over.
TRIES = Kind(
    "tries",
    (Rows(Throttle, Throttle.ends_at), Rows(LockedNetwork, LockedNetwork.refused_until)),
    by="core.forget-tries",
)
KINDS = (TRIES,)

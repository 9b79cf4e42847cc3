"""What of billing goes by age: that Stripe told something, and what differed from what it has."""

from backoffice.privacy.retention.kinds import Kind, Rows
from plugins.billing.models import Drift, StripeEvent

EVENTS = Kind("stripe-events", (Rows(StripeEvent, StripeEvent.received_at),))
DRIFTS = Kind("billing-drifts", (Rows(Drift, Drift.found_at),))
KINDS = (EVENTS, DRIFTS)

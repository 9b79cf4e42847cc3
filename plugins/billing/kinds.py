"""What of billing goes by age: what Stripe told, what differed from it, and papers of schools."""

from backoffice.privacy.retention.kinds import Kind, Rows
from plugins.billing.exemption.models import TaxCertificate
from plugins.billing.models import Drift, StripeEvent
from plugins.billing.orders.models import PurchaseOrder, Quote

FORGET = "billing.forget-papers"
EVENTS = Kind("stripe-events", (Rows(StripeEvent, StripeEvent.received_at),), by=FORGET)
DRIFTS = Kind("billing-drifts", (Rows(Drift, Drift.found_at),), by=FORGET)
ORDERS = Kind("purchase-orders", (Rows(PurchaseOrder, PurchaseOrder.placed_at),), by=FORGET)
# Never before the order that a quote led to: it is ordered while it holds.
QUOTES = Kind("quotes", (Rows(Quote, Quote.until_at),), by=FORGET)
CERTIFICATES = Kind("tax-certificates", (Rows(TaxCertificate, TaxCertificate.ends_at),), by=FORGET)
KINDS = (EVENTS, DRIFTS, ORDERS, QUOTES, CERTIFICATES)

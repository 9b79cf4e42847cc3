"""Who may see what is paid: whoever leads the school or district, and a teacher who signed up alone."""

from typing import Any

from sqlalchemy import ColumnElement, any_, or_, select

from backoffice.access.policy import Rule, register
from backoffice.schools.models import School
from plugins.billing.exemption.models import TaxCertificate
from plugins.billing.models import Customer, Drift, Invoice, StripeEvent, Subscription
from plugins.billing.orders.models import PurchaseOrder, Quote
from plugins.billing.permissions import BILLING_READ, BILLING_WATCH


def _of(schools: ColumnElement[Any]) -> ColumnElement[bool]:
    """Of one of the schools, or of the district of one: the database tells who leads that as a whole."""
    districts = select(School.district_id).where(School.id == any_(schools))
    return or_(Customer.school_id == any_(schools), Customer.district_id.in_(districts))


def _through(column: Any) -> Any:
    return lambda schools: column.in_(select(Customer.id).where(_of(schools)))


register(Rule(Customer, read=BILLING_READ, school=None, schools=_of))
register(Rule(Subscription, read=BILLING_READ, school=None, schools=_through(Subscription.customer_id)))
register(Rule(Invoice, read=BILLING_READ, school=None, schools=_through(Invoice.customer_id)))
for _each in (Quote, PurchaseOrder, TaxCertificate):
    register(Rule(_each, read=BILLING_READ, school=None, schools=_through(_each.customer_id)))
# Of no school, for founders alone.
register(Rule(StripeEvent, read=BILLING_WATCH, school=None))
register(Rule(Drift, read=BILLING_WATCH, school=None))

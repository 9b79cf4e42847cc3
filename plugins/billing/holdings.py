"""Whom billing is about: schools and districts, and whoever began to buy, without whom it stays."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, null

from backoffice.privacy.holdings import PersonalData, Subject, Target
from backoffice.storage.numbers import one_of
from plugins.billing.exemption.models import TaxCertificate
from plugins.billing.models import Customer
from plugins.billing.orders.models import PurchaseOrder


def _nobody(_target: Target) -> Mapping[str, ColumnElement[Any]]:
    return {Customer.made_by.key: null()}


def _begun_by(target: Target) -> ColumnElement[bool]:
    return one_of(Customer.made_by, target.numbers)


HELD = (
    PersonalData(Customer, Subject.SCHOOL),
    PersonalData(Customer, Subject.DISTRICT),
    # What a school handed in may name who signed it: it goes with the school, as its quotes do.
    *(
        PersonalData(model, subject)
        for model in (PurchaseOrder, TaxCertificate)
        for subject in (Subject.SCHOOL, Subject.DISTRICT)
    ),
    PersonalData(Customer, Subject.ACCOUNT, _begun_by, blank=(Customer.made_by.key,), instead=_nobody),
)

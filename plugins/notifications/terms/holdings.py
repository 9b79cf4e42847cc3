"""Whom terms of contracts are about: whoever said them, which stay without them."""

from backoffice.privacy.holdings import Subject
from plugins.notifications.holdings import blanked
from plugins.notifications.terms.models import ContractTerms

HELD = (blanked(ContractTerms, Subject.ACCOUNT, ContractTerms.said_by),)

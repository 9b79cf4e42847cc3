"""Whom the systems of districts are about: whoever set an address, which stays without them."""

from backoffice.privacy.holdings import Subject
from plugins.notifications.holdings import blanked
from plugins.notifications.hooks.models import DistrictHook

HELD = (blanked(DistrictHook, Subject.ACCOUNT, DistrictHook.set_by),)

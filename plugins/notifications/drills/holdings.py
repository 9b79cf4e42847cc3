"""Whom drills are about: who answered what came in."""

from backoffice.privacy.holdings import Subject
from plugins.notifications.drills.models import DrillEvent
from plugins.notifications.holdings import blanked

HELD = (blanked(DrillEvent, Subject.ACCOUNT, DrillEvent.answered_by),)

"""What of children is kept for a time."""

from backoffice.privacy.retention.kinds import Kind, Rows
from backoffice.students.models import StudentSession
from backoffice.students.pins.models import PinOverride
from backoffice.students.worries.models import Worry

SESSIONS = Kind("child-sessions", (Rows(StudentSession, StudentSession.last_seen_at),))
CLEARED_PINS = Kind("cleared-pins", (Rows(PinOverride, PinOverride.made_at),), events=True)
WORRIES = Kind("worries", (Rows(Worry, Worry.told_at),), work=True)
KINDS = (SESSIONS, CLEARED_PINS, WORRIES)

"""Who may see signed-in children, their cards, and what was done about their PINs."""

from sqlalchemy import any_

from backoffice.access.permissions import (
    CARDS_ISSUE,
    CLASSROOMS_EDIT,
    NETWORKS_OPEN,
    PINS_CLEAR,
    STUDENTS_READ,
)
from backoffice.access.policy import Rule, register
from backoffice.students.cards.models import StudentCard
from backoffice.students.models import StudentSession
from backoffice.students.pins.models import PinOverride
from backoffice.students.pins.network_models import LockedNetwork
from backoffice.students.tablet_models import ClassroomTablet

register(
    Rule(
        StudentSession,
        read=STUDENTS_READ,
        classrooms=lambda classrooms: StudentSession.classroom_id == any_(classrooms),
        classrooms_of=lambda row: (row.classroom_id,),
    ),
    Rule(
        StudentCard,
        read=CARDS_ISSUE,
        classrooms=lambda classrooms: StudentCard.classroom_id == any_(classrooms),
        classrooms_of=lambda row: (row.classroom_id,),
    ),
    Rule(
        ClassroomTablet,
        read=CLASSROOMS_EDIT,
        classrooms=lambda classrooms: ClassroomTablet.classroom_id == any_(classrooms),
        classrooms_of=lambda row: (row.classroom_id,),
    ),
    Rule(
        PinOverride,
        read=PINS_CLEAR,
        classrooms=lambda classrooms: PinOverride.classroom_id == any_(classrooms),
        classrooms_of=lambda row: (row.classroom_id,),
    ),
    Rule(LockedNetwork, read=NETWORKS_OPEN),
)

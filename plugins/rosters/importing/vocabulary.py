"""The words of a roster as small numbers, and which column of which file points at what."""

from enum import IntEnum
from typing import NamedTuple

ORGS, SESSIONS, COURSES = "orgs.csv", "academicSessions.csv", "courses.csv"
CLASSES, USERS, ENROLLMENTS = "classes.csv", "users.csv", "enrollments.csv"


class Kind(IntEnum):
    """What an identifier names."""

    ORG = 1
    SESSION = 2
    COURSE = 3
    CLASS = 4
    USER = 5


FILES = {
    Kind.ORG: ORGS,
    Kind.SESSION: SESSIONS,
    Kind.COURSE: COURSES,
    Kind.CLASS: CLASSES,
    Kind.USER: USERS,
}


class Pointer(NamedTuple):
    """A column that names something of another line or file."""

    file: str
    column: str
    kind: Kind


ORG_PARENT = Pointer(ORGS, "parentSourcedId", Kind.ORG)
SESSION_PARENT = Pointer(SESSIONS, "parentSourcedId", Kind.SESSION)
COURSE_YEAR = Pointer(COURSES, "schoolYearSourcedId", Kind.SESSION)
COURSE_ORG = Pointer(COURSES, "orgSourcedId", Kind.ORG)
CLASS_COURSE = Pointer(CLASSES, "courseSourcedId", Kind.COURSE)
CLASS_TERM = Pointer(CLASSES, "termSourcedIds", Kind.SESSION)
USER_AGENT = Pointer(USERS, "agentSourcedIds", Kind.USER)
POINTERS = (ORG_PARENT, SESSION_PARENT, COURSE_YEAR, COURSE_ORG, CLASS_COURSE, CLASS_TERM, USER_AGENT)

USER_ROLES = {
    role: number
    for number, role in enumerate(
        ("student", "teacher", "administrator", "aide", "proctor", "guardian", "parent", "relative"), start=1
    )
}
STUDENT, TEACHER = USER_ROLES["student"], USER_ROLES["teacher"]
FAMILY = ("guardian", "parent", "relative")
SEAT_ROLES = {"student": STUDENT, "teacher": TEACHER, "administrator": 3, "proctor": 5}

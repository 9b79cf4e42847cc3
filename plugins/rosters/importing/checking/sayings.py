"""What is said of each thing that does not fit, and what to do about it."""

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from backoffice.language.texts import lazy
from plugins.rosters.importing.vocabulary import CLASSES, ENROLLMENTS, FILES, POINTERS, USERS, Kind
from plugins.rosters.reading.report import Report, Severity


class Question(IntEnum):
    """What is asked of the set as a whole."""

    SAME_SOURCE = 1
    SAME_ENROLLMENT = 2
    POINTING_AT_NOTHING = 3
    SAME_USERNAME = 4
    USERNAME_TAKEN = 5
    SAME_ADDRESS = 6
    WRONG_SEAT = 7
    TWO_SEATS = 8
    PRIMARY = 9
    UNTAUGHT = 10
    ADDRESS_TAKEN = 11


class Saying(NamedTuple):
    """A problem in words, and where it is."""

    file: str
    column: str | None
    sentence: str
    remedy: str
    severity: Severity = Severity.ERROR


_TWICE = (lazy("Another line has the same identifier."), lazy("Give each line its own, or send it once."))
_SEND = lazy("Send its line, or correct the identifier.")
_ROLES = lazy("Correct one of the two roles.")
# By the number that `this_seat.problem` has.
SEATS = {
    1: Saying(ENROLLMENTS, "classSourcedId", lazy("The class is not in classes.csv."), _SEND),
    2: Saying(
        ENROLLMENTS,
        "schoolSourcedId",
        lazy("The class belongs to another school."),
        lazy("Name the school of the class."),
    ),
    3: Saying(ENROLLMENTS, "userSourcedId", lazy("The user is not in users.csv."), _SEND),
    4: Saying(
        ENROLLMENTS, "role", lazy("Somebody is enrolled as a student who is none in users.csv."), _ROLES
    ),
    5: Saying(
        ENROLLMENTS,
        "schoolSourcedId",
        lazy("The student does not belong to the school."),
        lazy("Name the school in orgSourcedIds of users.csv."),
    ),
    6: Saying(ENROLLMENTS, "role", lazy("A student is enrolled as a teacher."), _ROLES),
    7: Saying(
        ENROLLMENTS,
        "role",
        lazy("Somebody teaches who is no teacher in users.csv. That is passed over."),
        _ROLES,
        Severity.WARNING,
    ),
}
PRIMARY = {
    1: Saying(
        ENROLLMENTS,
        "primary",
        lazy("A class has several teachers, none of them primary. The first becomes its owner."),
        lazy("Mark one of them."),
        Severity.WARNING,
    ),
    2: Saying(
        ENROLLMENTS,
        "primary",
        lazy("A class has several primary teachers. The first becomes its owner."),
        lazy("Mark one of them only."),
        Severity.WARNING,
    ),
}
_ONE = {
    Question.SAME_ENROLLMENT: Saying(ENROLLMENTS, "sourcedId", *_TWICE),
    Question.SAME_USERNAME: Saying(
        USERS, "username", lazy("Two students of a school have one username."), lazy("Change one of them.")
    ),
    Question.USERNAME_TAKEN: Saying(
        USERS,
        "username",
        lazy("Another student of the school has this username already."),
        lazy("Change it, or correct the other student."),
    ),
    Question.SAME_ADDRESS: Saying(
        USERS, "email", lazy("Two teachers of a school have one e-mail address."), lazy("Change one of them.")
    ),
    Question.ADDRESS_TAKEN: Saying(
        USERS,
        "email",
        lazy("Another teacher has this e-mail address, and keeps it."),
        lazy("Change it, or correct the other teacher."),
    ),
    Question.TWO_SEATS: Saying(
        ENROLLMENTS,
        None,
        lazy("Somebody is in one class twice; that counts once."),
        lazy("Send the line once."),
        Severity.WARNING,
    ),
    Question.UNTAUGHT: Saying(
        CLASSES,
        None,
        lazy("A class has no teacher."),
        lazy("Send an enrollment with the role teacher."),
        Severity.WARNING,
    ),
}


def tell(report: Report, question: Question, what: int, *, lines: Sequence[int], times: int) -> None:
    """Note what a question found. `lines` are the first of them, `times` says how many there are."""
    file, column, sentence, remedy, severity = _saying(question, what)
    *told, last = lines
    for line in told:
        report.add(severity, file, sentence, remedy, line=line, column=column)
    # The last one that is told stands for those that are not.
    report.add(severity, file, sentence, remedy, line=last, column=column, times=times - len(told))


def _saying(question: Question, what: int) -> Saying:
    match question:
        case Question.SAME_SOURCE:
            return Saying(FILES[Kind(what)], "sourcedId", *_TWICE)
        case Question.POINTING_AT_NOTHING:
            pointer = POINTERS[what]
            sentence = f"There is no such line in {FILES[pointer.kind]}."
            return Saying(pointer.file, pointer.column, sentence, _SEND)
        case Question.WRONG_SEAT:
            return SEATS[what]
        case Question.PRIMARY:
            return PRIMARY[what]
        case _:
            return _ONE[question]

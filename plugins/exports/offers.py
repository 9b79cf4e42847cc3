"""Where the core's pages lead to exports: each with what is to be taken along chosen already."""

from typing import Any

from backoffice.access.lookup import held_on
from backoffice.access.permissions import CLASSROOMS_EXPORT, STUDENTS_EXPORT
from backoffice.access.policy import can
from backoffice.access.transaction import Transaction
from backoffice.language.texts import lazy
from backoffice.schools.models import Student
from backoffice.web.offered import Offered, Ticked, Where, offer
from plugins.exports.permissions import EXPORTS_MAKE

OWN, CONSOLE = "/account/exports", "/console/exports/"
TAKE = lazy("Take everything along")
WHAT = lazy("everything, as a file")
LISTS = lazy("Everything, as a file…")
NOT_YOURS = lazy("Only who owns the class, or leads the school, takes this along.")
ONE_STUDENT = Ticked(
    LISTS,
    lazy("An export is of one student: tick one. All students of a class are in one file with the class."),
    NOT_YOURS,
)
ONE_CLASS = Ticked(
    LISTS,
    lazy(
        "An export is of one class: tick one. All classes that you teach are in one file with your own"
        " account (“My exports”), and all classes of a school with the school."
    ),
    NOT_YOURS,
)


def _student(tx: Transaction, student: Any) -> bool:
    if student is None:
        return can(tx.principal, STUDENTS_EXPORT)
    # In which classes one of a list is, the list has not read.
    return bool(held_on(tx, Student, STUDENTS_EXPORT, [student]))


def _classroom(tx: Transaction, classroom: Any) -> bool:
    return can(tx.principal, CLASSROOMS_EXPORT, classroom)


def _school(tx: Transaction, school: Any) -> bool:
    return can(tx.principal, EXPORTS_MAKE, school)


def _any_class(tx: Transaction, _none: Any) -> bool:
    return can(tx.principal, CLASSROOMS_EXPORT)


def _any_school(tx: Transaction, _none: Any) -> bool:
    # Classes are asked for there too, and the door is theirs.
    return can(tx.principal, CLASSROOMS_EXPORT) and can(tx.principal, EXPORTS_MAKE)


offer(
    Offered(
        "exports",
        Where.ACCOUNT,
        lazy("My exports"),
        lazy("Take along what we hold about you or your child, as a file that you can read without us."),
        OWN,
    ),
    Offered(
        "exports",
        Where.CHILD,
        TAKE,
        lazy("What we hold about your child and you may see, as a file that you can read without us."),
        f"{OWN}?child={{}}",
        WHAT,
    ),
    Offered(
        "exports",
        Where.STUDENT,
        lazy("Take everything of this student along"),
        lazy("What we hold about this student, as a file that can be read without us."),
        f"{CONSOLE}?student={{}}",
        WHAT,
        _student,
        ONE_STUDENT,
    ),
    Offered(
        "exports",
        Where.CLASSROOM,
        TAKE,
        lazy("The class with its students, points and names, as a file that can be read without us."),
        f"{CONSOLE}?classroom={{}}",
        WHAT,
        _classroom,
        ONE_CLASS,
    ),
    Offered(
        "exports",
        Where.SCHOOL,
        lazy("Take everything of the school along"),
        lazy("The school with all of its classes and students, as a file that can be read without us."),
        f"{CONSOLE}?place={{}}",
        WHAT,
        _school,
    ),
    Offered("exports", Where.STUDENTS, LISTS, "", CONSOLE, WHAT, _any_class),
    Offered("exports", Where.CLASSROOMS, LISTS, "", CONSOLE, WHAT, _any_class),
    Offered("exports", Where.SCHOOLS, LISTS, "", CONSOLE, WHAT, _any_school),
)

"""What a single value may be: each check takes a value without spaces around it and gives it back in form.

Where something is wrong it gives a `Finding` instead. Checks know neither file nor line.
"""

import re
import string
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, NamedTuple

from backoffice.language.texts import lazy
from plugins.rosters.reading.report import Severity

LONGEST = 255
LONGEST_IDENTIFIER = 100
_IDENTIFIER = re.compile(rf"[A-Za-z0-9_.-]{{1,{LONGEST_IDENTIFIER}}}").fullmatch
_TOLERATED_IDENTIFIER = re.compile(r"[^\s,\"\x00-\x1f\x7f-\x9f]{1,255}").fullmatch
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]").search
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII).fullmatch
_YEAR = re.compile(r"(19|20)\d{2}", re.ASCII).fullmatch
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+").fullmatch


class Finding(NamedTuple):
    """What is wrong with a value. An error or `leaves_out` keeps its line out; else `value` stands for it."""

    severity: Severity
    sentence: str
    remedy: str
    value: Any = None
    leaves_out: bool = False


Check = Callable[[str], Any]

error = partial(Finding, Severity.ERROR)
warning = partial(Finding, Severity.WARNING)

EMPTY = error(lazy("The value is missing."), lazy("Fill it in."))
LACKING = warning(lazy("The value is missing; the format asks for it."), lazy("Fill it in."))
_LONG = error(f"The value is longer than {LONGEST} characters.", lazy("Shorten it."))
_CONTROLLED = error(lazy("The value holds control characters."), lazy("Remove them."))
_NO_IDENTIFIER = error(
    f"The identifier holds spaces, commas or quotation marks, or is longer than {LONGEST} characters.",
    lazy("Use letters, digits, hyphens, dots and underscores."),
)
_OUTSIDE = error(
    lazy("The value is none of those that the format knows."),
    lazy("Look up the list of values for this column."),
)
_NO_DATE = error(lazy("The value is no date."), lazy("Write it as YYYY-MM-DD."))
_NO_BOOLEAN = error(lazy("The value is neither true nor false."), lazy("Write true or false."))
FILLED_IN_BULK = warning(
    lazy("The value is filled in, though the file is sent in bulk; the format wants it empty."),
    lazy("Leave it empty in a bulk file."),
)
MARKED = warning(
    lazy("The line is marked as deleted or inactive. It is left out."),
    lazy("Leave it out of a bulk file."),
    leaves_out=True,
)
_SPANNING_YEAR = (
    lazy("The school year is not written as the one year in which it ends (YYYY)."),
    lazy("Write 2027 for the school year 2026-2027."),
)
_WRONG_ROLE = error(
    lazy("The role is one of users.csv, not one of enrollments.csv."),
    lazy("Write administrator, proctor, student or teacher."),
)
NO_MAIL = warning(lazy("The e-mail address is none."), lazy("Write it as name@school.example."))


def plain(value: str) -> Any:
    """Text as people write it: no control characters, no line ends, one space between words."""
    value = " ".join(value.split())
    if len(value) > LONGEST:
        return _LONG
    if not value.isprintable() and _CONTROL(value):
        return _CONTROLLED
    return value


def identifier(value: str) -> Any:
    """A sourcedId."""
    if _IDENTIFIER(value):
        return value
    if _TOLERATED_IDENTIFIER(value):
        return warning(
            lazy(
                "The identifier is longer than 100 characters or holds others than"
                " A-Z, a-z, 0-9, '-', '_', '.'."
            ),
            lazy("It is taken as it is. Other systems may refuse it."),
            value,
        )
    return _NO_IDENTIFIER


def reference(value: str) -> Any:
    """The sourcedId of something else. Whether that exists is for whoever has read all files."""
    return value if len(value) <= LONGEST else _LONG


def references(value: str) -> Any:
    """Several, with commas between them, each once."""
    found = tuple(dict.fromkeys(filter(None, map(str.strip, value.split(",")))))
    if any(len(each) > LONGEST for each in found):
        return _LONG
    return found or EMPTY


def one_of(*known: str) -> Check:
    """A value of a vocabulary, in its own spelling. Another spelling in capitals is taken with a warning."""
    vocabulary = frozenset(known)
    folded = {value.lower(): value for value in known}

    def check(value: str) -> Any:
        if value in vocabulary:
            return value
        meant = folded.get(value.lower())
        if meant is None:
            return _OUTSIDE
        return warning(
            lazy("The value has other capitals than in the format."), lazy("Write it as there."), meant
        )

    return check


def enrollment_role(users_roles: tuple[str, ...], roles: tuple[str, ...]) -> Check:
    """A role in a class. A role of users.csv that is none in a class is a common error with its own words."""
    known = one_of(*roles)
    wrong = frozenset(users_roles) - set(roles)

    def check(value: str) -> Any:
        return _WRONG_ROLE if value.lower() in wrong else known(value)

    return check


def boolean(value: str) -> Any:
    """True or false."""
    if value == "true":
        return True
    if value == "false":
        return False
    if value.lower() in {"true", "false"}:
        return warning(
            lazy("The value has other capitals than in the format."),
            lazy("Write it as there."),
            value.lower() == "true",
        )
    return _NO_BOOLEAN


def enabled(value: str) -> Any:
    """Whether the other system lets the person in, which is its own affair."""
    found = boolean(value)
    if found is False:
        return warning(
            lazy("The person is marked as not enabled. They are taken all the same."),
            lazy("Leave the line out, or mark it as deleted, if the person has left."),
            value=False,
        )
    return found


def day(value: str) -> Any:
    """A date as YYYY-MM-DD."""
    if not _DATE(value):
        return _NO_DATE
    try:
        return date.fromisoformat(value)
    except ValueError:
        return _NO_DATE


def school_year(value: str) -> Any:
    """The year in which a school year ends."""
    return value if _YEAR(value) else warning(*_SPANNING_YEAR, value)


def status(value: str) -> Any:
    """A bulk file has no status; some have one all the same, and it may say that a line does not count."""
    word = value.lower()
    if word == "active":
        return FILLED_IN_BULK
    return MARKED if word in {"tobedeleted", "inactive"} else _OUTSIDE


def modified(_value: str) -> Any:
    """A bulk file does not say when a line was changed."""
    return FILLED_IN_BULK


def mail(value: str) -> Any:
    """An e-mail address, by its looks."""
    return value if len(value) <= LONGEST and _MAIL(value) and value.isprintable() else NO_MAIL


def anything(value: str) -> Any:
    """What is judged later, when the whole line is known."""
    return value


_LETTERS = (string.ascii_letters + string.digits + "_.-").encode()


def _are_identifiers(values: Sequence[str]) -> bool:
    sizes = list(map(len, values))
    return (
        min(sizes) > 0
        and max(sizes) <= LONGEST_IDENTIFIER
        and not "".join(values).encode(errors="replace").translate(None, _LETTERS)
    )


# Values that pass this, at least one of them, pass the check as they stand, without a call for each.
QUICK: Mapping[Check, Callable[[Sequence[str]], bool]] = {
    identifier: _are_identifiers,
    reference: _are_identifiers,
}

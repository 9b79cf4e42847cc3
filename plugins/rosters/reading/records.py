"""What is taken from a roster, one record a line. What is not here was dropped while parsing.

`line` is the line of the file on which the record begins (the heading is line 1). Identifiers are the
roster's own, as they stand in the file; they are digested before they are kept.
"""

from typing import NamedTuple


class Org(NamedTuple):
    """A line of orgs.csv. `type` is in lower case; only "school" becomes a school."""

    line: int
    source_id: str
    name: str
    type: str
    parent: str | None


class Session(NamedTuple):
    """A line of academicSessions.csv. Read for its references only."""

    line: int
    source_id: str
    parent: str | None


class Course(NamedTuple):
    """A line of courses.csv. Read for its references only."""

    line: int
    source_id: str
    org: str
    school_year: str | None


class Class(NamedTuple):
    """A line of classes.csv."""

    line: int
    source_id: str
    title: str
    course: str | None
    school: str
    terms: tuple[str, ...]


class User(NamedTuple):
    """A line of users.csv. `email` is None for everybody but teachers: it is dropped while parsing."""

    line: int
    source_id: str
    role: str
    given: str
    family: str
    username: str
    email: str | None
    orgs: tuple[str, ...]
    agents: tuple[str, ...]


class Enrollment(NamedTuple):
    """A line of enrollments.csv."""

    line: int
    source_id: str
    class_: str
    school: str
    user: str
    role: str
    primary: bool

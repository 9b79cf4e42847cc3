"""Everything that takes more than one line to judge, asked of the temporary tables as a whole."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import TextClause, text

from backoffice.access.transaction import Transaction
from plugins.rosters.importing.vocabulary import (
    CLASSES,
    ENROLLMENTS,
    FILES,
    POINTERS,
    STUDENT,
    TEACHER,
    USERS,
    Kind,
)
from plugins.rosters.reading.report import MOST_TOLD, Report, Severity


class Lines(NamedTuple):
    """Lines with one problem: the first of them, and how many there are. `what` tells the column, if asked."""

    what: int
    lines: list[int]
    times: int


# Who is who from here on: what earlier imports made has its number already, the rest takes a fresh one.
# `stored` is the content that was taken last time, null for what is new.
RESOLVE = (
    text("""
    create temp table this_room on commit drop as
    select r.line, r.source, r.link, r.school_id, r.content, r.turn, k.content_digest as stored,
           coalesce(k.classroom_id, nextval('app.classroom_id_seq')) as id, k.classroom_id is null as fresh
      from room r
      left join plugin_rosters.classroom_source k on k.school_id = r.school_id and k.source_digest = r.link
    """),
    # A child without a source, or with one that this roster no longer names, is known by the username: schools
    # change the system that their rosters come from.
    text("""
    create temp table this_pupil on commit drop as
    select p.line, p.source, p.link, p.school_id, p.content, k.content_digest as stored,
           coalesce(k.student_id, u.id, nextval('app.student_id_seq')) as id,
           k.student_id is null and u.id is null as fresh, k.student_id is null as unlinked
      from pupil p
      left join plugin_rosters.student_source k on k.school_id = p.school_id and k.source_digest = p.link
      left join app.student u on k.student_id is null and u.school_id = p.school_id
                             and u.username_digest = p.username
                             and not exists (
        select from plugin_rosters.student_source o
          join pupil other on other.school_id = o.school_id and other.link = o.source_digest
         where o.school_id = u.school_id and o.student_id = u.id)
    """),
    text("analyze this_room, this_pupil"),
)

# Of each kind of problem the first lines, and how many there are.
FIRST = """
    select what, line, times from (
      select what, line, count(*) over (partition by what) as times,
             row_number() over (partition by what order by line) as place
        from ("""
FEW = ") found) counted where place <= :most order by what, line"

SAME_SOURCE = text(f"""{FIRST}
    select kind as what, line from (
      select kind, line, row_number() over (partition by kind, source order by line) as nth
        from (select kind, line, source from named
              union all select :of_class, line, source from room) every
    ) numbered where nth > 1 {FEW}
""").bindparams(of_class=Kind.CLASS)

SAME_ENROLLMENT = text(f"""{FIRST}
    select 0 as what, max(line) as line from seat group by own having count(*) > 1 {FEW}
""")

POINTING_AT_NOTHING = text(f"""{FIRST}
    select p.what, p.line from pointing p left join named n on n.kind = p.kind and n.source = p.target
     where n.source is null {FEW}
""")

SAME_USERNAME = text(f"""{FIRST}
    select 0 as what, line from (
      select line, row_number() over (partition by school_id, username order by line) as nth from pupil
    ) numbered where nth > 1 {FEW}
""")

USERNAME_TAKEN = text(f"""{FIRST}
    select 0 as what, p.line
      from this_pupil t join pupil p on p.line = t.line and p.school_id = t.school_id
      join app.student s on s.school_id = p.school_id and s.username_digest = p.username and s.id <> t.id
     where not t.fresh and t.stored is distinct from t.content
       and not exists (select from this_pupil o where o.school_id = s.school_id and o.id = s.id) {FEW}
""")

SAME_ADDRESS = text(f"""{FIRST}
    select 0 as what, line from (
      select line, row_number() over (partition by school_id, email_index order by line) as nth from staff
    ) numbered where nth > 1 {FEW}
""")

# One pass over all enrollments: what they name, and what is wrong with it (the keys of `OF_SEATS`).
SEATS = text("""
    create temp table this_seat on commit drop as
    select s.line, s.school_id, r.id as classroom_id, t.id as student_id, s.person, s.role, s.is_primary,
           (r.fresh or t.fresh) as fresh,
           case when r.id is null then 1
                when r.school_id <> s.school_id then 2
                when n.source is null then 3
                when s.role = :student and n.role <> :student then 4
                when s.role = :student and t.id is null then 5
                when s.role = :teacher and n.role <> :teacher then case when n.role = :student then 6 else 7 end
                else 0 end::smallint as problem
      from seat s
      left join this_room r on r.source = s.room
      left join named n on n.kind = :user and n.source = s.person
      left join this_pupil t on t.source = s.person and t.school_id = s.school_id
""").bindparams(student=STUDENT, teacher=TEACHER, user=Kind.USER)
OF_SEATS = {
    1: ("classSourcedId", "The class is not in classes.csv.", "Send its line, or correct the identifier."),
    2: ("schoolSourcedId", "The class belongs to another school.", "Name the school of the class."),
    3: ("userSourcedId", "The user is not in users.csv.", "Send the line, or correct the identifier."),
    4: ("role", "Somebody is enrolled as a student who is none in users.csv.", "Correct one of the two roles."),
    5: ("schoolSourcedId", "The student does not belong to the school.", "Name the school in orgSourcedIds."),
    6: ("role", "A student is enrolled as a teacher.", "Correct one of the two roles."),
    7: ("role", "Somebody teaches who is no teacher in users.csv. That is passed over.", "Correct the role."),
}
ONLY_WARNED = 7
WRONG_SEATS = text(f"""{FIRST}
    select problem as what, line from this_seat where problem <> 0 {FEW}
""")
TWO_SEATS = text(f"""{FIRST}
    select 0 as what, line from (
      select line, row_number() over (partition by classroom_id, person, role order by line) as nth
        from this_seat where problem = 0
    ) numbered where nth > 1 {FEW}
""")
# Of a class's teachers one is to be the primary one (the keys of `OF_TEACHERS`).
TEACHERS = text(f"""{FIRST}
    select case when primaries = 0 then 1 else 2 end as what, line from (
      select min(line) as line, count(distinct person) as people,
             count(distinct person) filter (where is_primary) as primaries
        from this_seat where role = :teacher and problem = 0 group by classroom_id
    ) taught where primaries > 1 or (primaries = 0 and people > 1) {FEW}
""").bindparams(teacher=TEACHER)
OF_TEACHERS = {
    1: ("A class has several teachers, none of them primary. The first becomes its owner.", "Mark one."),
    2: ("A class has several primary teachers. The first becomes its owner.", "Mark one only."),
}
UNTAUGHT = text(f"""{FIRST}
    select 0 as what, r.line from this_room r where not exists (
      select from this_seat s where s.classroom_id = r.id and s.role = :teacher and s.problem = 0) {FEW}
""").bindparams(teacher=TEACHER)


def resolve(tx: Transaction) -> None:
    """Find out which rows are known from earlier imports, and number the rest."""
    for statement in RESOLVE:
        tx.execute(statement)


def check(tx: Transaction, report: Report) -> None:
    """Put everything that does not fit together into the report."""
    for found in _lines(tx, SAME_SOURCE):
        _tell(report, found, FILES[Kind(found.what)], "sourcedId", *_TWICE)
    for found in _lines(tx, SAME_ENROLLMENT):
        _tell(report, found, ENROLLMENTS, "sourcedId", *_TWICE)
    for found in _lines(tx, POINTING_AT_NOTHING):
        pointer = POINTERS[found.what]
        remedy = "Send its line, or correct the identifier."
        _tell(report, found, pointer.file, pointer.column, f"There is no such line in {FILES[pointer.kind]}.", remedy)
    for found in _lines(tx, SAME_USERNAME):
        _tell(report, found, USERS, "username", "Two students of a school have one username.", "Change one.")
    for found in _lines(tx, USERNAME_TAKEN):
        _tell(report, found, USERS, "username", *_TAKEN)
    for found in _lines(tx, SAME_ADDRESS):
        _tell(report, found, USERS, "email", "Two teachers of a school have one e-mail address.", "Change one.")
    tx.execute(SEATS)
    tx.execute(text("analyze this_seat"))
    for found in _lines(tx, WRONG_SEATS):
        column, sentence, remedy = OF_SEATS[found.what]
        severity = Severity.WARNING if found.what == ONLY_WARNED else Severity.ERROR
        _tell(report, found, ENROLLMENTS, column, sentence, remedy, severity)
    if not report.stops:
        _warn(tx, report)


def _warn(tx: Transaction, report: Report) -> None:
    """What does not stop anything, once nothing is wrong."""
    for found in _lines(tx, TWO_SEATS):
        _tell(report, found, ENROLLMENTS, None, *_TWO_SEATS, Severity.WARNING)
    for found in _lines(tx, TEACHERS):
        _tell(report, found, ENROLLMENTS, "primary", *OF_TEACHERS[found.what], Severity.WARNING)
    for found in _lines(tx, UNTAUGHT):
        _tell(report, found, CLASSES, None, *_UNTAUGHT, Severity.WARNING)


_TWICE = ("Another line has the same identifier.", "Give each line its own, or send it once.")
_TAKEN = ("Another student of the school has this username already.", "Change it, or correct the other student.")
_UNTAUGHT = ("A class has no teacher.", "Send an enrollment with the role teacher.")
_TWO_SEATS = ("Somebody is in one class twice; that counts once.", "Send the line once.")


def _lines(tx: Transaction, statement: TextClause) -> list[Lines]:
    found: dict[int, Lines] = {}
    rows: Sequence[Any] = tx.execute(statement, {"most": MOST_TOLD}).all()
    for row in rows:
        found.setdefault(row.what, Lines(row.what, [], row.times)).lines.append(row.line)
    return list(found.values())


def _tell(
    report: Report,
    found: Lines,
    file: str,
    column: str | None,
    sentence: str,
    remedy: str,
    severity: Severity = Severity.ERROR,
) -> None:
    told = found.lines[:MOST_TOLD]
    for line in told[:-1]:
        report.add(severity, file, sentence, remedy, line=line, column=column)
    # The last one told stands for those that are not.
    rest = found.times - len(told) + 1
    report.add(severity, file, sentence, remedy, line=told[-1], column=column, times=rest)

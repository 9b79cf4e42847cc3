"""What was staged and checked, merged as sets: only rows that differ are touched.

Every statement is narrowed by the schools of the set (`this_room`, `this_pupil`, `this_seat` hold no
others), so that nothing of another school can be met, whatever identifiers the files contain. Statements
that count answer with one row a school.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import text

from backoffice.access.transaction import Transaction
from plugins.rosters.importing.merging.counting import Counted, count
from plugins.rosters.importing.vocabulary import STUDENT

# --------------------------------------------------------------------------------------------- classes

NEW_ROOMS = text("""
    with made as (
      insert into app.classroom (school_id, id, public_id, name, door, shared_devices, created_at)
      select r.school_id, t.id, r.public_id, r.title, 'open', true, :at
        from this_room t join room r on r.line = t.line
       where t.fresh order by r.school_id, t.id
      returning school_id
    ) select school_id, count(*) as times from made group by school_id
""")
NEW_ROOM_SOURCES = text("""
    insert into plugin_rosters.classroom_source
           (school_id, classroom_id, source_digest, content_digest, year_digest)
    select school_id, id, link, content, year from this_room where fresh order by school_id, id
""")
CHANGED_ROOMS = text("""
    with changed as (
      update app.classroom c set name = r.title
        from this_room t join room r on r.line = t.line
       where c.school_id = t.school_id and c.id = t.id and t.stored <> t.content and c.archived_at is null
      returning c.school_id
    ) select school_id, count(*) as times from changed group by school_id
""")
# What was not written is not remembered as if it had been.
CHANGED_ROOM_SOURCES = text("""
    update plugin_rosters.classroom_source k
       set content_digest = case when t.kept then k.content_digest else t.content end,
           year_digest = coalesce(t.year, k.year_digest)
      from this_room t
     where k.school_id = t.school_id and k.classroom_id = t.id
       and (t.stored <> t.content and not t.kept or t.year <> t.stored_year
            or t.year is not null and t.stored_year is null and t.stored is not null)
""")
WITHOUT_CODE = text("""
    select t.school_id, t.id from this_room t
     where t.fresh and not exists (
       select from app.classroom_code k where k.school_id = t.school_id and k.classroom_id = t.id)
     order by t.school_id, t.id
""")
# Two live codes never coincide: one that is taken is passed over, and its class gets another.
NEW_CODES = text("""
    insert into app.classroom_code (school_id, classroom_id, code, code_index, issued_at)
    select school_id, classroom_id, code, code_index, :at from fresh_code order by school_id, classroom_id
    on conflict (code_index) where ended_at is null do nothing
""")

# -------------------------------------------------------------------------------------------- students

NEW_PUPILS = text("""
    with made as (
      insert into app.student
             (school_id, id, public_id, given_name, family_name, name_tokens, username_digest, created_at)
      select p.school_id, t.id, p.public_id, p.given, p.family, p.tokens, p.username, :at
        from this_pupil t join pupil p on p.line = t.line and p.school_id = t.school_id
       where t.fresh order by p.school_id, t.id
      returning school_id
    ) select school_id, count(*) as times from made group by school_id
""")
# Two children may have exchanged their usernames, or a new one has another's old one; at no moment two may
# have the same.
FREED_USERNAMES = text("""
    update app.student s set username_digest = null
      from this_pupil t join pupil p on p.line = t.line and p.school_id = t.school_id
     where s.school_id = t.school_id and s.id = t.id and not t.fresh
       and t.stored is distinct from t.content and s.username_digest is distinct from p.username
""")
CHANGED_PUPILS = text("""
    with changed as (
      update app.student s
         set given_name = p.given, family_name = p.family, name_tokens = p.tokens,
             username_digest = p.username
        from this_pupil t join pupil p on p.line = t.line and p.school_id = t.school_id
       where s.school_id = t.school_id and s.id = t.id and not t.fresh and t.stored is distinct from t.content
      returning s.school_id
    ) select school_id, count(*) as times from changed group by school_id
""")
FORMER_PUPIL_SOURCES = text("""
    delete from plugin_rosters.student_source k using this_pupil t
     where k.school_id = t.school_id and k.student_id = t.id and t.unlinked and not t.fresh
""")
NEW_PUPIL_SOURCES = text("""
    insert into plugin_rosters.student_source (school_id, student_id, source_digest, content_digest)
    select school_id, id, link, content from this_pupil where unlinked order by school_id, id
""")
CHANGED_PUPIL_SOURCES = text("""
    update plugin_rosters.student_source k set content_digest = t.content from this_pupil t
     where k.school_id = t.school_id and k.student_id = t.id and t.stored <> t.content
""")

# -------------------------------------------------------------------------------------------- teachers

# Two teachers may have exchanged their addresses. No index of an address is as short as what stands for one.
FREED_ADDRESSES = text("""
    update app.account a set email_index = int8send(a.id) from this_staff t where t.moves and a.id = t.id
""")
CHANGED_ACCOUNTS = text("""
    with changed as (
      update app.account a
         set name = s.name, email = case when t.moves then s.email else a.email end,
             email_index = case when t.moves then s.email_index else a.email_index end
        from this_staff t join staff s on s.line = t.line and s.school_id = t.school_id
       where t.changes and a.id = t.id
      returning t.school_id
    ) select school_id, count(*) as times from changed group by school_id
""")
NEW_ACCOUNTS = text("""
    insert into app.account (public_id, email, email_index, name, founder, status, language, time_zone,
                             security_epoch, created_at)
    select distinct on (s.email_index) s.public_id, s.email, s.email_index, s.name, false, 'not_invited',
           h.language, h.time_zone, 1, :at
      from this_staff t join staff s on s.line = t.line and s.school_id = t.school_id
      join app.school h on h.id = s.school_id
     where t.id is null order by s.email_index, s.line
    on conflict (email_index) do nothing
""")
FOUND_ACCOUNTS = text("""
    update this_staff t set id = a.id from app.account a where t.id is null and a.email_index = t.email_index
""")
# Somebody who has an account of their own is made a member of no school without being asked. An account that
# is not invited yet is of the school or district whose roster made it: no other one sees what it says there.
JOINING = text("""
    update this_staff t set joins = true from app.account a, app.school h
     where a.id = t.id and h.id = t.school_id and (
       a.status = 'not_invited' and (
         t.stored is not null
         or exists (select from staff s where s.public_id = a.public_id)
         or exists (select from app.membership m left join app.school o on o.id = m.school_id
                     where m.account_id = a.id and (m.school_id = h.id or o.district_id = h.district_id)))
       or exists (
         select from app.membership m
          where m.account_id = a.id and (m.school_id = h.id and m.role in ('teacher', 'leader')
                                         or m.district_id = h.district_id and m.role = 'leader')))
""")
NEW_MEMBERSHIPS = text("""
    with made as (
      insert into app.membership (account_id, school_id, role, created_at)
      select distinct t.id, t.school_id, 'teacher', cast(:at as timestamptz)
        from this_staff t join app.account a on a.id = t.id
       where a.status = 'not_invited' and t.joins
      on conflict (account_id, school_id, role) do nothing
      returning school_id
    ) select school_id, count(*) as times from made group by school_id
""")
# What was not written is not remembered as if it had been.
ACCOUNT_SOURCES = text("""
    insert into plugin_rosters.account_source as k (school_id, account_id, source_digest, content_digest)
    select distinct on (school_id, id) school_id, id, link,
           case when changes or stored is null then content else stored end
      from this_staff where joins order by school_id, id, stored nulls last, line
    on conflict (school_id, account_id) do update
       set source_digest = excluded.source_digest, content_digest = excluded.content_digest
     where (k.source_digest, k.content_digest)
           is distinct from (excluded.source_digest, excluded.content_digest)
""")
# Whoever has not signed in to the school yet, by line: nothing shows who of them has an account elsewhere.
TO_INVITE = text("""
    select name from (
      select distinct on (t.id) s.name, s.line
        from this_staff t join staff s on s.line = t.line and s.school_id = t.school_id
        join app.account a on a.id = t.id
       where not t.joins or a.status = 'not_invited' order by t.id, s.line) every
     order by line limit :most
""")
HOW_MANY_TO_INVITE = text("""
    select count(distinct t.id) from this_staff t join app.account a on a.id = t.id
     where not t.joins or a.status = 'not_invited'
""")

# --------------------------------------------------------------------------------------------- missing

MISSING = {
    "students missing": text("""
        select k.school_id, count(*) as times from plugin_rosters.student_source k
         where k.school_id = any (cast(:schools as bigint[]))
           and not exists (select from this_pupil t where t.school_id = k.school_id and t.id = k.student_id)
         group by k.school_id
    """),
    "classes missing": text("""
        select k.school_id, count(*) as times from plugin_rosters.classroom_source k
          join app.classroom c on c.school_id = k.school_id and c.id = k.classroom_id
         where k.school_id = any (cast(:schools as bigint[])) and c.archived_at is null
           and not exists (select from this_room t where t.school_id = k.school_id and t.id = k.classroom_id)
         group by k.school_id
    """),
    "teachers missing": text("""
        select k.school_id, count(*) as times from plugin_rosters.account_source k
         where k.school_id = any (cast(:schools as bigint[]))
           and not exists (select from this_staff t where t.school_id = k.school_id and t.id = k.account_id)
         group by k.school_id
    """),
}
READ = {
    "classes": text("select count(*) from this_room"),
    "students": text("select count(*) from this_pupil"),
    "teachers": text("select count(*) from this_staff"),
    "enrollments": text("select count(*) from this_seat where role = :student and not again").bindparams(
        student=STUDENT
    ),
}
ORIGIN = text("select set_config('app.origin', :origin, true)")

# Nothing is known yet of how many rows came in just now: what looks like a handful is all of it.
AT_ONCE = text("set local enable_nestloop = off")
AS_USUAL = text("set local enable_nestloop = on")


@contextmanager
def joined_at_once(tx: Transaction) -> Iterator[None]:
    """Let whole schools be joined as sets meanwhile, whatever the planner believes."""
    tx.execute(AT_ONCE)
    yield
    tx.execute(AS_USUAL)


def note_origin(tx: Transaction, origin: str) -> None:
    """Let the database note this as the way by which people come into classes from now on; "" ends it."""
    tx.execute(ORIGIN, {"origin": origin})


def merge_rooms(tx: Transaction, *, at: datetime) -> Counted:
    """Make new classes and rename those whose title has changed."""
    yield from count(tx, "classes new", NEW_ROOMS, at=at)
    tx.execute(NEW_ROOM_SOURCES)
    yield from count(tx, "classes changed", CHANGED_ROOMS)
    tx.execute(CHANGED_ROOM_SOURCES)


def rooms_without_code(tx: Transaction) -> Sequence[Any]:
    """School and number of each new class that has no code yet."""
    return tx.execute(WITHOUT_CODE).all()


def merge_codes(tx: Transaction, *, at: datetime) -> None:
    """Give new classes the codes that were made for them, as far as nobody has them."""
    tx.execute(NEW_CODES, {"at": at})


def merge_pupils(tx: Transaction, *, at: datetime) -> Counted:
    """Make new students, and correct those of whom the roster says something else than before."""
    tx.execute(FREED_USERNAMES)
    yield from count(tx, "students new", NEW_PUPILS, at=at)
    yield from count(tx, "students changed", CHANGED_PUPILS)
    for statement in (FORMER_PUPIL_SOURCES, NEW_PUPIL_SOURCES, CHANGED_PUPIL_SOURCES):
        tx.execute(statement)


def merge_staff(tx: Transaction, *, at: datetime) -> Counted:
    """Make accounts for teachers who have none, not invited yet, and memberships for them.

    Those of whom the roster says something else than before are corrected first: a new one may have the
    address that one of them had.
    """
    tx.execute(FREED_ADDRESSES)
    yield from count(tx, "teachers changed", CHANGED_ACCOUNTS)
    tx.execute(NEW_ACCOUNTS, {"at": at})
    for statement in (FOUND_ACCOUNTS, JOINING):
        tx.execute(statement)
    yield from count(tx, "teachers new", NEW_MEMBERSHIPS, at=at)
    tx.execute(ACCOUNT_SOURCES)


def to_invite(tx: Transaction, *, most: int) -> tuple[int, list[bytes]]:
    """How many teachers have not signed in to the school yet, and the sealed names of some."""
    named = [bytes(name) for name in tx.scalars(TO_INVITE, {"most": most})]
    return tx.scalar(HOW_MANY_TO_INVITE) or 0, named


def how_many(tx: Transaction) -> dict[str, int]:
    """How many of which kind the roster speaks of, in all its schools."""
    return {what: tx.scalar(statement) or 0 for what, statement in READ.items()}


def missing(tx: Transaction, *, schools: Sequence[int]) -> Counted:
    """What earlier rosters had and this one has not. It stays."""
    for what, statement in MISSING.items():
        yield from count(tx, what, statement, schools=list(schools))

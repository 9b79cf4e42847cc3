"""Places of children in classes: only what a roster gave does a roster end.

`enrollment.in_source` says that the last roster had the child in the class, `enrollment.origin` whether a
roster gave the place. What the roster says again is no reason to change anything: whoever was taken out here
stays out, until the roster has dropped the child and gives it anew. In archived classes nothing changes.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text

from backoffice.access.transaction import Transaction
from backoffice.schools import names
from plugins.rosters.importing.alone.queries import Alone
from plugins.rosters.importing.merging.counting import Counted, count
from plugins.rosters.importing.merging.queries import joined_at_once
from plugins.rosters.importing.vocabulary import STUDENT

# Each class begins at another picture and takes every so-manieth: no two children of a class have the same
# one while there are enough. The number has no common divisor with that of the pictures.
STEP = 35

DROPPED_SEATS = text("""
    with dropped as (
      update app.enrollment e
         set in_source = null,
             ended_at = case when e.ended_at is null and e.origin = 'roster' then :at else e.ended_at end
        from plugin_rosters.classroom_source k, app.classroom c
       where e.school_id = any (cast(:schools as bigint[])) and e.in_source
         and k.school_id = any (cast(:schools as bigint[])) and c.school_id = any (cast(:schools as bigint[]))
         and k.school_id = e.school_id and k.classroom_id = e.classroom_id
         and c.school_id = e.school_id and c.id = e.classroom_id and c.archived_at is null
         and not exists (select from this_seat t
                          where t.classroom_id = e.classroom_id and t.student_id = e.student_id
                            and t.role = :student)
      returning e.school_id, e.classroom_id, e.student_id, e.ended_at
    ), stay as (
      insert into left_alone (kind, school_id, classroom_id, person)
      select :kind, school_id, classroom_id, student_id from dropped where ended_at is null
    ) select school_id, count(*) as times from dropped where ended_at = :at group by school_id
""").bindparams(student=STUDENT, kind=Alone.CHILDREN_IN)
DROPPED_UNSEATED = text("""
    delete from plugin_rosters.unseated u using plugin_rosters.classroom_source k, app.classroom c
     where u.school_id = any (cast(:schools as bigint[]))
       and k.school_id = u.school_id and k.classroom_id = u.classroom_id
       and c.school_id = u.school_id and c.id = u.classroom_id and c.archived_at is null
       and not exists (select from this_seat t
                        where t.classroom_id = u.classroom_id and t.student_id = u.student_id
                          and t.role = :student)
""").bindparams(student=STUDENT)
# What this roster says and the last one did not; `there` is who has or had a place, `gone` who had one.
STATED_SEATS = text("""
    create temp table stated_seat on commit drop as
    select s.school_id, s.classroom_id, s.student_id, s.turn, e.student_id is not null as there,
           e.ended_at is not null as gone
      from this_seat s
      join app.classroom c on c.school_id = any (cast(:schools as bigint[]))
                          and c.school_id = s.school_id and c.id = s.classroom_id and c.archived_at is null
      left join app.enrollment e on e.school_id = any (cast(:schools as bigint[]))
                                and e.school_id = s.school_id and e.classroom_id = s.classroom_id
                                and e.student_id = s.student_id
     where s.role = :student and s.problem = 0 and not s.again and e.in_source is not true
       and not exists (select from plugin_rosters.unseated u
                        where u.school_id = s.school_id and u.classroom_id = s.classroom_id
                          and u.student_id = s.student_id)
""").bindparams(student=STUDENT)
LOOK_AT_STATED = text("analyze stated_seat")
RESUMED_SEATS = text("""
    with resumed as (
      update app.enrollment e set ended_at = null, in_source = true
        from stated_seat t
       where t.gone and e.school_id = t.school_id and e.classroom_id = t.classroom_id
         and e.student_id = t.student_id
      returning e.school_id
    ) select school_id, count(*) as times from resumed group by school_id
""")
SEATS_BY_HAND = text("""
    update app.enrollment e set in_source = true
      from stated_seat t
     where t.there and not t.gone and e.school_id = t.school_id and e.classroom_id = t.classroom_id
       and e.student_id = t.student_id
""")
NEW_SEATS = text("""
    with wanted as (
      select school_id, classroom_id, student_id, turn,
             row_number() over (partition by school_id, classroom_id order by student_id) as nth
        from stated_seat where not there
    ), free as (
      select c.id as classroom_id, array_agg(a.avatar order by md5(a.avatar || c.turn)) as avatars
        from this_room c cross join unnest(cast(:avatars as text[])) as a (avatar)
       where not c.fresh and c.id in (select w.classroom_id from wanted w)
         and not exists (select from app.enrollment e
                          where e.classroom_id = c.id and e.ended_at is null and e.avatar = a.avatar)
       group by c.id
    ), made as (
      insert into app.enrollment
             (school_id, classroom_id, student_id, avatar, balance, joined_at, origin, in_source)
      select w.school_id, w.classroom_id, w.student_id,
             coalesce(f.avatars[1 + (w.nth - 1) % cardinality(f.avatars)],
                      (cast(:avatars as text[]))[1 + (w.turn + :step * w.nth) % :pictures]), 0, :at,
             'roster', true
        from wanted w
        left join free f on f.classroom_id = w.classroom_id
       order by w.school_id, w.classroom_id, w.student_id
    ) select school_id, count(*) as times from wanted group by school_id
""").bindparams(avatars=list(names.AVATARS), step=STEP, pictures=len(names.AVATARS))
# The last roster and this one have the child in the class, and somebody here has not.
LEFT_OUT = text("""
    insert into left_alone (kind, school_id, classroom_id, person)
    select :kind, e.school_id, e.classroom_id, e.student_id
      from app.enrollment e
      join plugin_rosters.classroom_source k on k.school_id = e.school_id and k.classroom_id = e.classroom_id
      join app.classroom c on c.school_id = e.school_id and c.id = e.classroom_id and c.archived_at is null
     where e.school_id = any (cast(:schools as bigint[])) and e.in_source and e.ended_at is not null
       and k.school_id = any (cast(:schools as bigint[])) and c.school_id = any (cast(:schools as bigint[]))
    union
    select :kind, u.school_id, u.classroom_id, u.student_id
      from plugin_rosters.unseated u
      join plugin_rosters.classroom_source k on k.school_id = u.school_id and k.classroom_id = u.classroom_id
      join app.classroom c on c.school_id = u.school_id and c.id = u.classroom_id and c.archived_at is null
     where u.school_id = any (cast(:schools as bigint[]))
       and not exists (select from app.enrollment e
                        where e.school_id = u.school_id and e.classroom_id = u.classroom_id
                          and e.student_id = u.student_id and e.ended_at is null)
""").bindparams(kind=Alone.CHILDREN_OUT)


def merge_seats(tx: Transaction, *, schools: Sequence[int], at: datetime) -> Counted:
    """Make enrollments follow what the roster says anew: end, resume, begin."""
    everywhere = list(schools)
    with joined_at_once(tx):
        yield from count(tx, "enrollments ended", DROPPED_SEATS, schools=everywhere, at=at)
        tx.execute(DROPPED_UNSEATED, {"schools": everywhere})
        tx.execute(STATED_SEATS, {"schools": everywhere})
    tx.execute(LOOK_AT_STATED)
    yield from count(tx, "enrollments resumed", RESUMED_SEATS)
    tx.execute(SEATS_BY_HAND)
    yield from count(tx, "enrollments new", NEW_SEATS, at=at)
    with joined_at_once(tx):
        tx.execute(LEFT_OUT, {"schools": everywhere})

"""Classes that were archived here since the last roster: where what is said of them goes.

Nothing of an archived class changes. What its roster still says of the same school year goes on in the class
that followed it when somebody began a new year; what it says of another year is of a new class.
"""

from uuid import UUID

from sqlalchemy import text

from backoffice.access.transaction import Transaction
from backoffice.storage import keyring
from plugins.rosters.importing.alone.queries import Alone
from plugins.rosters.importing.merging.counting import Counted, count
from plugins.rosters.importing.people import Sealer

RELEASED = (
    text("""
    delete from plugin_rosters.teaching_source k using this_room t
     where t.anew and k.school_id = t.school_id and k.classroom_id = t.known
    """),
    text("""
    delete from plugin_rosters.unseated k using this_room t
     where t.anew and k.school_id = t.school_id and k.classroom_id = t.known
    """),
    text("""
    delete from plugin_rosters.classroom_source k using this_room t
     where t.anew and k.school_id = t.school_id and k.classroom_id = t.known
    """),
)
# Whom the roster had in the old class it has in the new one, whether somebody moved them up or not.
MOVED = (
    text("""
    update plugin_rosters.classroom_source k set classroom_id = t.id from this_room t
     where t.moved and k.school_id = t.school_id and k.classroom_id = t.known
    """),
    text("""
    update plugin_rosters.teaching_source k set classroom_id = t.id from this_room t
     where t.moved and k.school_id = t.school_id and k.classroom_id = t.known
    """),
    text("""
    update app.enrollment e set in_source = true
      from this_room t
      join app.enrollment old on old.school_id = t.school_id and old.classroom_id = t.known and old.in_source
     where t.moved and e.school_id = t.school_id and e.classroom_id = t.id and e.student_id = old.student_id
    """),
    text("""
    insert into plugin_rosters.unseated (school_id, classroom_id, student_id)
    select t.school_id, t.id, old.student_id
      from this_room t
      join app.enrollment old on old.school_id = t.school_id and old.classroom_id = t.known and old.in_source
     where t.moved and not exists (select from app.enrollment e
                                    where e.school_id = t.school_id and e.classroom_id = t.id
                                      and e.student_id = old.student_id)
    union
    select t.school_id, t.id, u.student_id
      from this_room t
      join plugin_rosters.unseated u on u.school_id = t.school_id and u.classroom_id = t.known
     where t.moved
    """),
    text("""
    delete from plugin_rosters.unseated u using this_room t
     where t.moved and u.school_id = t.school_id and u.classroom_id = t.known
    """),
)
# Classes that somebody began here for a new year, in schools that get classes, and that no roster speaks of.
BEGUN = text("""
    select c.school_id, c.id, c.name
      from app.classroom c
     where c.school_id in (select school_id from this_room where fresh)
       and c.follows is not null and c.archived_at is null
       and not exists (select from plugin_rosters.classroom_source k
                        where k.school_id = c.school_id and k.classroom_id = c.id)
     order by c.school_id, c.id
""")
# Never a second class in silence: each new one that follows the same class as one of those, or has its title.
BESIDE = text("""
    insert into left_alone (kind, school_id, classroom_id, person)
    select distinct on (t.id) :kind, t.school_id, t.id, b.id
      from this_room t
      join unnest(cast(:schools as bigint[]), cast(:rooms as bigint[]), cast(:contents as uuid[]))
           as b (school_id, id, content)
        on b.school_id = t.school_id and (b.id = t.rival or t.rival is null and b.content = t.content)
     where t.fresh order by t.id, b.id
""").bindparams(kind=Alone.CLASSES_BESIDE)
HOW_MANY = {
    "archived classes left alone": text("""
        select school_id, count(*) as times from this_room where kept group by school_id
    """),
    "classes going on in the ones that follow them": text("""
        select school_id, count(*) as times from this_room where moved group by school_id
    """),
    "archived classes begun anew": text("""
        select school_id, count(*) as times from this_room where anew group by school_id
    """),
}


def follow(tx: Transaction) -> Counted:
    """Let what is said of archived classes go where it belongs, and tell of how many."""
    for statement in (*RELEASED, *MOVED):
        tx.execute(statement)
    for what, statement in HOW_MANY.items():
        yield from count(tx, what, statement)


def beside(tx: Transaction) -> None:
    """Note which new classes stand beside ones that somebody began here for the same children."""
    begun = tx.execute(BEGUN).all()
    if begun:
        opened, sealer = keyring.current().open, Sealer()
        titles = [opened(bytes(row.name), context="classroom.name").decode() for row in begun]
        values = {
            "schools": [row.school_id for row in begun],
            "rooms": [row.id for row in begun],
            "contents": [UUID(bytes=sealer.content(title)) for title in titles],
        }
        tx.execute(BESIDE, values)

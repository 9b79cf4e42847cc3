"""Classes that were archived here since the last roster: where what is said of them goes.

Nothing of an archived class changes. What its roster still says of the same school year goes on in the class
that followed it when somebody began a new year; what it says of another year is of a new class.
"""

from sqlalchemy import text

from backoffice.access.transaction import Transaction
from plugins.rosters.importing.merging.counting import Counted, count

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

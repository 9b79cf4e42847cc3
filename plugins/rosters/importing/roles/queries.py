"""Who teaches what: only what a roster gave does a roster take away.

`teaching_source` keeps what the last roster said, and what a person had given before where that was less. A
roster makes more of somebody, never less than a person did. What it says again changes nothing: a role that
was ended here stays ended, one that was changed here stays changed. In archived classes nothing changes.
"""

from collections.abc import Sequence

from sqlalchemy import text

from backoffice.access.transaction import Transaction
from plugins.rosters.importing.alone.queries import Alone
from plugins.rosters.importing.merging.counting import Counted, count
from plugins.rosters.importing.merging.queries import joined_at_once
from plugins.rosters.importing.vocabulary import TEACHER

ROLES = text("""
    create temp table this_role on commit drop as
    select r.school_id, r.classroom_id, r.id as account_id,
           case when min(r.nth) = 1 then 'owner' else 'co_teacher' end as role
      from (select s.school_id, s.classroom_id, f.id,
                   -- Nobody makes room for an owner who does not come, or whose role was ended here.
                   row_number() over (partition by s.classroom_id
                                      order by k.account_id is not null and o.account_id is null,
                                               s.is_primary desc, s.line) as nth
              from this_seat s
              join app.classroom c on c.school_id = any (cast(:schools as bigint[]))
                                  and c.school_id = s.school_id and c.id = s.classroom_id
                                  and c.archived_at is null
              join this_staff f on f.source = s.person and f.school_id = s.school_id and f.joins
              left join plugin_rosters.teaching_source k
                on k.school_id = s.school_id and k.classroom_id = s.classroom_id and k.account_id = f.id
              left join app.teaching_role o
                on o.school_id = s.school_id and o.classroom_id = s.classroom_id and o.account_id = f.id
             where s.role = :teacher and s.problem = 0) r
     group by r.school_id, r.classroom_id, r.id
""").bindparams(teacher=TEACHER)
# `said` now, `stated` by the last roster, `held` now, `hand` as far as a person gave it, `due` from now on.
ROLES_NOW = text("""
    create temp table role_now on commit drop as
    select *, case when said is null then hand
                   when said = stated then held
                   when held is null and stated is not null then null
                   when hand = 'owner' then hand
                   else said end as due
      from (
      select school_id, classroom_id, account_id, t.role as said, k.role as stated, k.by_hand, o.role as held,
             case when o.origin is distinct from 'roster' then o.role else k.by_hand end as hand
        from this_role t
        full join (
          select k.* from plugin_rosters.teaching_source k
            join this_room r on r.school_id = k.school_id and r.id = k.classroom_id and not r.fresh
            join app.classroom c on c.school_id = k.school_id and c.id = k.classroom_id
                                and c.archived_at is null) k using (school_id, classroom_id, account_id)
        left join app.teaching_role o using (school_id, classroom_id, account_id)) every
""")
GONE_ROLES = text("""
    with gone as (
      delete from app.teaching_role o using role_now n
       where o.school_id = n.school_id and o.classroom_id = n.classroom_id and o.account_id = n.account_id
         and n.due is null
      returning o.school_id
    ) select school_id, count(*) as times from gone group by school_id
""")
# What a person gave is that person's again.
AS_BEFORE = text("""
    with lessened as (
      update app.teaching_role o set role = n.due from role_now n
       where o.school_id = n.school_id and o.classroom_id = n.classroom_id and o.account_id = n.account_id
         and n.said is null and n.due <> n.held
      returning o.school_id
    ) select school_id, count(*) as times from lessened group by school_id
""")
NEW_ROLES = text("""
    with made as (
      insert into app.teaching_role as o (school_id, classroom_id, account_id, role)
      select school_id, classroom_id, account_id, due from role_now
       where said is not null and due is distinct from held and due is not null order by 1, 2, 3
      on conflict (school_id, classroom_id, account_id) do update set role = excluded.role
       where o.role <> excluded.role
      returning school_id
    ) select school_id, count(*) as times from made group by school_id
""")
SOURCES = (
    text("""
    delete from plugin_rosters.teaching_source k using role_now n
     where n.said is null and k.school_id = n.school_id and k.classroom_id = n.classroom_id
       and k.account_id = n.account_id
    """),
    text("""
    insert into plugin_rosters.teaching_source as k (school_id, classroom_id, account_id, role, by_hand)
    select school_id, classroom_id, account_id, said, hand from role_now
     where said is distinct from stated and said is not null order by 1, 2, 3
    on conflict (school_id, classroom_id, account_id) do update
       set role = excluded.role, by_hand = excluded.by_hand
    """),
)
LEFT_ALONE = text("""
    insert into left_alone (kind, school_id, classroom_id, person)
    select case when said is null then :stay else :gone end, school_id, classroom_id, account_id
      from role_now
     where said is null and held = hand or said is not null and stated is not null and held is null
""").bindparams(stay=Alone.TEACHERS_IN, gone=Alone.TEACHERS_OUT)


def merge_roles(tx: Transaction, *, schools: Sequence[int]) -> Counted:
    """Make who teaches what follow what the roster says anew."""
    with joined_at_once(tx):
        tx.execute(ROLES, {"schools": list(schools)})
    tx.execute(ROLES_NOW)
    yield from count(tx, "teaching roles ended", GONE_ROLES)
    yield from count(tx, "teaching roles new or changed", NEW_ROLES)
    for statement in SOURCES:
        tx.execute(statement)
    tx.execute(LEFT_ALONE)


def merge_roles_back(tx: Transaction) -> Counted:
    """Leave those whom the roster has dropped what a person had given them before."""
    yield from count(tx, "teaching roles ended", AS_BEFORE)

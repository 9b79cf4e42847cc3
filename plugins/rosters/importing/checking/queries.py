"""Everything that takes more than one line to judge, asked of the temporary tables as a whole.

Each question puts the lines that answer it into one table of problems; a saying of its own goes with each.
"""

from sqlalchemy import text

from backoffice.access.transaction import Transaction
from plugins.rosters.importing.checking.sayings import PRIMARY, SEATS, Question, tell
from plugins.rosters.importing.vocabulary import STUDENT, TEACHER, Kind
from plugins.rosters.reading.report import MOST_TOLD, Report

# Who is who from here on: what earlier imports made has its number already, the rest takes a fresh one.
# `stored` is the content that was taken last time, null for what is new. Numbers are taken school by school,
# so that rows and the entries of all indexes are written side by side.
RESOLVE = (
    # Classes of earlier imports that are archived, each with the last of those that followed it when a school
    # year began: one that goes on, if there is one.
    text("""
    create temp table heir on commit drop as
    with recursive line (school_id, first, last, archived, nth) as (
      select c.school_id, c.id, c.id, true, 0
        from plugin_rosters.classroom_source k
        join app.classroom c on c.school_id = k.school_id and c.id = k.classroom_id
       where c.archived_at is not null and k.school_id in (select school_id from room)
      union all
      select c.school_id, l.first, c.id, c.archived_at is not null, l.nth + 1
        from line l join app.classroom c on c.school_id = l.school_id and c.follows = l.last
       where l.archived and not exists (
         select from plugin_rosters.classroom_source k
          where k.school_id = c.school_id and k.classroom_id = c.id)
    )
    select distinct on (school_id, first) school_id, first, last, archived
      from line order by school_id, first, archived, nth desc, last desc
    """),
    # Of an archived class, what is said of the same school year is for the one that follows it; where none
    # does, it is `kept`. Of another year it is for a new class.
    text("""
    create temp table this_room on commit drop as
    select line, source, link, school_id, content, turn, year, known, anew,
           case when not anew then stored end as stored,
           case when not anew then stored_year end as stored_year,
           case when anew or known is null then nextval('app.classroom_id_seq')
                when ended then known else coalesce(heir, known) end as id,
           anew or known is null as fresh, ended and not anew as kept,
           heir is not null and not ended and not anew as moved,
           case when anew and not ended then heir end as rival
      from (
      select r.*, k.content_digest as stored, k.year_digest as stored_year, k.classroom_id as known,
             h.last as heir, coalesce(h.archived, false) as ended,
             coalesce(h.first is not null and r.year <> k.year_digest, false) as anew
        from room r
        left join plugin_rosters.classroom_source k
               on k.school_id = r.school_id and k.source_digest = r.link
        left join heir h on h.school_id = k.school_id and h.first = k.classroom_id
       order by r.school_id, r.line) every
    """),
    # A child without a source, or with one that this roster no longer names, is known by the username:
    # schools change the system that their rosters come from.
    text("""
    create temp table this_pupil on commit drop as
    select line, source, link, school_id, content, stored,
           coalesce(linked, named, nextval('app.student_id_seq')) as id,
           linked is null and named is null as fresh, linked is null as unlinked
      from (
      select p.line, p.source, p.link, p.school_id, p.content, k.content_digest as stored,
             k.student_id as linked, u.id as named
      from pupil p
      left join plugin_rosters.student_source k on k.school_id = p.school_id and k.source_digest = p.link
      left join app.student u on k.student_id is null and u.school_id = p.school_id
                             and u.username_digest = p.username
                             and not exists (
        select from plugin_rosters.student_source o
          join pupil other on other.school_id = o.school_id and other.link = o.source_digest
         where o.school_id = u.school_id and o.student_id = u.id)
       order by p.school_id, p.line) every
    """),
    text("analyze this_room, this_pupil"),
    # What every enrollment names, and by the number of its saying what is wrong with it; 0 is nothing.
    # `again` is what an earlier line says already. It lies in about the order in which it is merged.
    text("""
    create temp table this_seat on commit drop as
    select s.line, s.school_id, r.id as classroom_id, t.id as student_id, s.person, s.role, s.is_primary,
           r.turn, row_number() over same > 1 as again,
           case when r.id is null then 1
                when r.school_id <> s.school_id then 2
                when n.source is null then 3
                when s.role = :student and n.role <> :student then 4
                when s.role = :student and t.id is null then 5
                when s.role = :teacher and n.role = :student then 6
                when s.role = :teacher and n.role <> :teacher then 7
                else 0 end::smallint as problem
      from seat s
      left join this_room r on r.source = s.room
      left join named n on n.kind = :user and n.source = s.person
      left join this_pupil t on t.source = s.person and t.school_id = s.school_id
    window same as (partition by r.id, t.id, s.person, s.role order by s.line)
    """).bindparams(student=STUDENT, teacher=TEACHER, user=Kind.USER),
    text("analyze this_seat"),
    # A teacher is known by the source, else by the address, unless a known one of this roster had it and has
    # another one now. What `changes` is an account that is not invited yet and that no school knows which
    # says something else or nothing; `moves` says that its address is among it. Where somebody has the new
    # address whom neither this school nor its district knows, nothing is written, and nothing is said.
    text("""
    create temp table this_staff on commit drop as
    select line, source, link, school_id, content, email_index, stored, id, false as joins,
           free and may_change as changes, free and may_change and elsewhere as moves
      from (
      select t.*, a.email_index <> t.email_index as elsewhere,
             a.status = 'not_invited' and t.stored <> t.content and not exists (
               select from app.membership m where m.account_id = t.id and not exists (
                 select from plugin_rosters.account_source o
                   join staff other on other.school_id = o.school_id and other.link = o.source_digest
                  where o.account_id = t.id and o.school_id = m.school_id and other.content = t.content)
             ) as may_change,
             not exists (
               select from app.account o where o.email_index = t.email_index and o.id <> t.id and not exists (
                 select from app.membership m
                   left join app.school r on r.id = m.school_id join app.school h on h.id = t.school_id
                  where m.account_id = o.id
                    and (m.school_id = h.id or coalesce(r.district_id, m.district_id) = h.district_id))
             ) as free
        from (
        select s.line, s.source, s.link, s.school_id, s.content, s.email_index, k.content_digest as stored,
               coalesce(k.account_id, u.id) as id
          from staff s
          left join plugin_rosters.account_source k on k.school_id = s.school_id and k.source_digest = s.link
          left join app.account u on k.account_id is null and u.email_index = s.email_index and coalesce((
            select bool_or(other.email_index = s.email_index)
              from plugin_rosters.account_source o
              join staff other on other.school_id = o.school_id and other.link = o.source_digest
             where o.account_id = u.id), true)) t
        left join app.account a on a.id = t.id) every
    """),
    text("create temp table problem (question smallint, what smallint, line integer) on commit drop"),
)

ASK = {
    Question.SAME_SOURCE: text("""
    insert into problem select :question, kind, line from (
      select kind, line, row_number() over (partition by kind, source order by line) as nth
        from (select kind, line, source from named
              union all select 4, line, source from room) every
    ) numbered where nth > 1
    """),
    Question.SAME_ENROLLMENT: text("""
    insert into problem select :question, 0, max(line) from seat group by own having count(*) > 1
    """),
    Question.POINTING_AT_NOTHING: text("""
    insert into problem select :question, p.what, p.line
      from pointing p left join named n on n.kind = p.kind and n.source = p.target
     where n.source is null
    """),
    Question.SAME_USERNAME: text("""
    insert into problem select :question, 0, line from (
      select line, row_number() over (partition by school_id, username order by line) as nth from pupil
    ) numbered where nth > 1
    """),
    Question.USERNAME_TAKEN: text("""
    insert into problem select :question, 0, p.line
      from this_pupil t join pupil p on p.line = t.line and p.school_id = t.school_id
      join app.student s on s.school_id = p.school_id and s.username_digest = p.username and s.id <> t.id
     where not t.fresh and t.stored is distinct from t.content
       and not exists (select from this_pupil o where o.school_id = s.school_id and o.id = s.id)
    """),
    Question.SAME_ADDRESS: text("""
    insert into problem select :question, 0, line from (
      select line, row_number() over (partition by school_id, email_index order by line) as nth from staff
    ) numbered where nth > 1
    """),
    Question.ADDRESS_TAKEN: text("""
    insert into problem select :question, 0, t.line from this_staff t
     where (t.moves or t.id is null) and (
       exists (select from app.account o
                where o.email_index = t.email_index and o.id is distinct from t.id
                  and not exists (select from this_staff m where m.id = o.id and m.moves))
       or exists (select from this_staff m
                   where t.moves and m.moves and m.email_index = t.email_index and m.id <> t.id
                     and m.line < t.line))
    """),
    Question.WRONG_SEAT: text("""
    insert into problem select :question, problem, line from this_seat where problem <> 0
    """),
}
# Asked when nothing is wrong. Who is enrolled as what is sound by then.
WONDER = {
    Question.TWO_SEATS: text("""
    insert into problem select :question, 0, line from this_seat where problem = 0 and again
    """),
    Question.PRIMARY: text("""
    insert into problem select :question, case when primaries = 0 then 1 else 2 end, line from (
      select min(line) as line, count(distinct person) as people,
             count(distinct person) filter (where is_primary) as primaries
        from this_seat where role = :teacher and problem = 0 group by classroom_id
    ) taught where primaries > 1 or (primaries = 0 and people > 1)
    """).bindparams(teacher=TEACHER),
    Question.UNTAUGHT: text("""
    insert into problem select :question, 0, r.line from this_room r where not exists (
      select from this_seat s where s.classroom_id = r.id and s.role = :teacher and s.problem = 0)
    """).bindparams(teacher=TEACHER),
}
FOUND = text("""
    select question, what, array_agg(line order by line) filter (where place <= :most) as lines,
           count(*) as times
      from (select question, what, line,
                   row_number() over (partition by question, what order by line) as place from problem) placed
     group by question, what order by question, what
""")
FORGET = text("truncate pg_temp.problem")


def resolve(tx: Transaction) -> None:
    """Find out who and what is known from earlier imports, number the rest, and see what enrollments name."""
    for statement in RESOLVE:
        tx.execute(statement)


def check(tx: Transaction, report: Report) -> None:
    """Put everything that does not fit together into the report."""
    assert SEATS.keys() == {1, 2, 3, 4, 5, 6, 7}
    assert PRIMARY.keys() == {1, 2}
    for questions in (ASK, WONDER):
        for question, statement in questions.items():
            tx.execute(statement, {"question": question})
        for row in tx.execute(FOUND, {"most": MOST_TOLD}):
            tell(report, Question(row.question), row.what, lines=row.lines, times=row.times)
        tx.execute(FORGET)
        if report.stops:
            return

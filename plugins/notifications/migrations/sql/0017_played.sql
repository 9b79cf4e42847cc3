-- Time runs faster in a drill: its hour is a minute, and its three days are over in little more than one hour of ours.
create or replace function plugin_notifications.approve_alone(
  number bigint, seen integer, at timestamptz, why bytea, late bytea) returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
declare
  pace integer;
begin
  if why is null then return false; end if;
  select coalesce(max(d.faster), 1) into pace
    from notice n join drill d on d.incident_id = n.incident_id where n.id = number;
  update notice n set state = case n.audience when 'banner' then 'up' else 'approved' end,
                      approved_by = (ids('account'))[1], approved_at = at,
                      review_due_at = at + interval '3 days' / pace,
                      late_reason = coalesce(late, n.late_reason)
   where n.id = number and n.state = 'proposed' and n.version = seen and is_founder()
     and is_open(n.incident_id)
     and n.proposed_by = (ids('account'))[1] and n.proposed_at <= at - interval '1 hour' / pace;
  if not found then return false; end if;
  perform note_step(number, 'alone', at, why);
  return true;
end $$;

-- ------------------------------------------------------------------------------------------ sources of a scope

-- Said twice it is one source. Null where what it names is gone: the trail tells of exports whose district, or whose
-- child by that number, is none any more.
drop function plugin_notifications.add_scope_source(
  bigint, text, text, text, bigint, bigint, bigint, bigint, bigint, timestamptz, timestamptz, timestamptz);
create function plugin_notifications.add_scope_source(
  number bigint, known_by text, source_kind text, source_extent text, of_account bigint, of_district bigint,
  of_school bigint, of_classroom bigint, of_student bigint, of_classrooms bigint[], since timestamptz, until timestamptz, at timestamptz)
  returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
begin
  if not is_open(number) then return false; end if;
  perform from incident i where i.id = number for update;
  if of_district is not null and not exists (select from district d where d.id = of_district)
     or of_school is not null and not exists (select from school s where s.id = of_school)
     or of_account is not null and not exists (select from account a where a.id = of_account)
     or of_classroom is not null
        and not exists (select from classroom c where c.school_id = of_school and c.id = of_classroom)
     or of_student is not null
        and not exists (select from student s where s.school_id = of_school and s.id = of_student)
  then return null; end if;
  insert into scope_source (incident_id, public_id, kind, extent, account_id, district_id, school_id, classroom_id,
                            student_id, classrooms, from_at, until_at, written_at, written_by)
  select number, known_by, source_kind, source_extent, of_account, of_district, of_school, of_classroom, of_student,
         of_classrooms, since, until, at, (ids('account'))[1]
   where not exists (
     select from scope_source s
      where s.incident_id = number and s.withdrawn_at is null and s.kind = source_kind and s.extent = source_extent
        and (s.account_id, s.district_id, s.school_id, s.classroom_id, s.student_id)
            is not distinct from (of_account, of_district, of_school, of_classroom, of_student)
        and s.classrooms is not distinct from of_classrooms and s.from_at = since and s.until_at = until);
  return found;
end $$;
comment on function plugin_notifications.add_scope_source is
  'Writes down what the scope of an incident follows from; nothing of whom it names is told.';

-- As before, but for the export of an account: whose classes it held is known since it says so.
create or replace function plugin_notifications.reached_by(source bigint)
  returns table (kind text, school_id bigint, student_id bigint, account_id bigint)
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  with named as (select e.* from scope_source e where e.id = source),
       whole as (select s.id, n.from_at, n.until_at
                   from named n join membership m on m.account_id = n.account_id and m.role = 'leader'
                   join school s on s.id = m.school_id or s.district_id = m.district_id
                  where n.extent = 'account'
                 union
                 select s.id, n.from_at, n.until_at from named n join school s on s.id = n.school_id
                  where n.extent = 'school'
                 union
                 select s.id, n.from_at, n.until_at from named n join school s on s.district_id = n.district_id
                  where n.extent = 'district'),
       -- An export holds those, too, who have left a class that it holds.
       class as (select t.school_id, t.classroom_id, n.kind = 'export' as ever, n.from_at, n.until_at
                   from named n join teaching_role t on t.account_id = n.account_id
                   join school s on s.id = t.school_id
                  where n.classrooms is null
                    and (n.extent in ('account', 'rooms') or n.extent = 'own' and s.kind = 'personal')
                 union
                 -- Those that its rows were of, whoever teaches them by now.
                 select c.school_id, c.id, true, n.from_at, n.until_at
                   from named n join classroom c on c.id = any (n.classrooms)
                 union
                 select c.school_id, c.id, n.kind = 'export', n.from_at, n.until_at
                   from named n join classroom c on c.school_id = n.school_id and c.id = n.classroom_id
                  where n.extent = 'classroom'),
       child as (select s.school_id, s.id from student s join whole w on w.id = s.school_id
                  where s.created_at < w.until_at
                 union
                 select e.school_id, e.student_id from enrollment e join class c
                     on c.school_id = e.school_id and c.classroom_id = e.classroom_id
                  where e.joined_at < c.until_at and (c.ever or e.ended_at is null or e.ended_at > c.from_at)
                 union
                 select s.school_id, s.id from named n
                   join student s on s.school_id = n.school_id and s.id = n.student_id
                  where n.extent in ('student', 'family') and s.created_at < n.until_at),
       staff as (select m.school_id, m.account_id from membership m join whole w on w.id = m.school_id
                  where m.created_at < w.until_at
                 union
                 select t.school_id, t.account_id from teaching_role t where t.school_id in (select id from whole)
                 union
                 select t.school_id, t.account_id from teaching_role t join class c
                     on c.school_id = t.school_id and c.classroom_id = t.classroom_id
                  where (select n.extent from named n) <> 'own' or t.account_id = (select n.account_id from named n)
                 union
                 select m.school_id, m.account_id from named n join membership m on m.account_id = n.account_id
                  where n.extent in ('account', 'rooms', 'own') and m.school_id is not null)
  select 'student', c.school_id, c.id, null::bigint from child c
  union all
  select 'staff', s.school_id, null, s.account_id from staff s
  union all
  select distinct 'parent', g.school_id, null::bigint, g.account_id
    from named n cross join child c join guardian_link g on g.school_id = c.school_id and g.student_id = c.id
   where g.approved_at < n.until_at and (g.ended_at is null or g.ended_at > n.from_at)
     and (n.extent <> 'family' or g.account_id = n.account_id)
$$;

drop function plugin_notifications.scope_sources_of(bigint);
create function plugin_notifications.scope_sources_of(of_incident bigint)
  returns table (public_id text, number bigint, kind text, extent text, school_id bigint, is_gone boolean, from_at timestamptz,
                 until_at timestamptz, written_at timestamptz, withdrawn_at timestamptz, reason bytea, people bigint)
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select s.public_id::text, row_number() over (order by s.id), s.kind, s.extent, s.school_id,
         case s.extent when 'school' then s.school_id when 'district' then s.district_id
                       when 'classroom' then s.classroom_id when 'student' then s.student_id
                       when 'family' then s.student_id else s.account_id end is null,
         s.from_at, s.until_at, s.written_at, s.withdrawn_at, s.withdrawn_reason,
         (select count(*) from scope_reach r where r.source_id = s.id)
    from scope_source s where s.incident_id = of_incident and is_founder() order by s.id
$$;
comment on function plugin_notifications.scope_sources_of is
  'What the scope of an incident follows from, numbered, without whose it is: for a founder.';

revoke execute on function plugin_notifications.add_scope_source(
    bigint, text, text, text, bigint, bigint, bigint, bigint, bigint, bigint[], timestamptz, timestamptz, timestamptz),
  plugin_notifications.scope_sources_of(bigint) from public;
grant execute on function plugin_notifications.add_scope_source(
    bigint, text, text, text, bigint, bigint, bigint, bigint, bigint, bigint[], timestamptz, timestamptz, timestamptz),
  plugin_notifications.scope_sources_of(bigint) to backoffice_app;

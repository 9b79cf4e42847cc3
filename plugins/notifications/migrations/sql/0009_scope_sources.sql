-- What the scope of an incident follows from, of several kinds, and whom each of them reached. Founders write sources
-- down, withdraw them and read numbers, all by functions alone.

do $$
declare
  t text;
begin
  foreach t in array array['scope_source', 'scope_reach'] loop
    execute format('alter table plugin_notifications.%I enable row level security', t);
    execute format('alter table plugin_notifications.%I force row level security', t);
    execute format('create policy owner on plugin_notifications.%I to backoffice_owner using (true) with check (true)', t);
    execute format('create policy system on plugin_notifications.%I to backoffice_system
                    using ((select app.purpose()) <> '''') with check ((select app.purpose()) <> '''')', t);
    execute format('grant select, insert, update, delete on plugin_notifications.%I to backoffice_system', t);
  end loop;
end $$;
grant usage on sequence plugin_notifications.scope_source_id_seq to backoffice_system;
alter table plugin_notifications.scope_source alter column withdrawn_reason set statistics 0;

drop function plugin_notifications.add_misuse(bigint, text, bytea, timestamptz, timestamptz, timestamptz);
drop function plugin_notifications.compute_scope(bigint, timestamptz);
drop function plugin_notifications.reached_by(bigint);

-- ------------------------------------------------------------------------------------- finding what is meant

create function plugin_notifications.staff_known_by(known_by text, index_of_email bytea) returns bigint
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select a.id from account a
   where is_founder() and (a.public_id = known_by or a.email_index = index_of_email)
     and (exists (select from membership m where m.account_id = a.id)
          or exists (select from teaching_role t where t.account_id = a.id))
$$;
comment on function plugin_notifications.staff_known_by is
  'The number of an account of staff, for a founder: for a source of a scope and the trail, and for no page.';

-- Until it could not be used any more: rather too long than too short.
create function plugin_notifications.sessions_of_staff(
  known_by text, number bigint, moment timestamptz, at timestamptz)
  returns table (account_id bigint, from_at timestamptz, until_at timestamptz)
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select s.account_id, s.started_at, s.over_at
    from (select e.account_id, e.public_id, e.started_at,
                 greatest(least(coalesce(e.ended_at, at), e.expires_at, at,
                                e.last_seen_at + e.idle_minutes * interval '1 minute'),
                          e.started_at + interval '1 microsecond') as over_at
            from account_session e where e.public_id = known_by or e.account_id = number) s
   where is_founder()
     -- A moment that somebody types is a whole minute.
     and (s.public_id = known_by or (s.started_at < moment + interval '1 minute' and moment < s.over_at))
     and (exists (select from membership m where m.account_id = s.account_id)
          or exists (select from teaching_role t where t.account_id = s.account_id))
$$;
comment on function plugin_notifications.sessions_of_staff is
  'Whose a session of staff was and from when to when, for a founder: by its identifier, or all of an account at a moment.';

create function plugin_notifications.class_known_by(known_by text) returns table (school_id bigint, id bigint)
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select c.school_id, c.id from classroom c where is_founder() and c.public_id = known_by
$$;
comment on function plugin_notifications.class_known_by is
  'The number of a class and of its school, for a founder: for a source of a scope and the trail, and for no page.';

-- By the index of marks, which no policy lets a statement of the web use.
create function plugin_notifications.export_known_by(mark uuid)
  returns table (at timestamptz, school_id bigint, detail bytea)
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select e.at, e.school_id, d.detail
    from audit_detail d join audit_entry e on e.id = d.entry_id
   where is_founder() and d.about && array[mark] and e.verb = 'exports.ready'
   order by e.id desc limit 1
$$;
comment on function plugin_notifications.export_known_by is
  'When an export was made and, sealed, of what: what the trail keeps of it, and of nothing else.';

-- ---------------------------------------------------------------------------------------- writing sources down

-- Said twice it is one source. Null where what it names is gone: the trail tells of exports whose district, or whose
-- child by that number, is none any more.
create function plugin_notifications.add_scope_source(
  number bigint, known_by text, source_kind text, source_extent text, of_account bigint, of_district bigint,
  of_school bigint, of_classroom bigint, of_student bigint, since timestamptz, until timestamptz, at timestamptz)
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
                            student_id, from_at, until_at, written_at, written_by)
  select number, known_by, source_kind, source_extent, of_account, of_district, of_school, of_classroom, of_student,
         since, until, at, (ids('account'))[1]
   where not exists (
     select from scope_source s
      where s.incident_id = number and s.withdrawn_at is null and s.kind = source_kind and s.extent = source_extent
        and (s.account_id, s.district_id, s.school_id, s.classroom_id, s.student_id)
            is not distinct from (of_account, of_district, of_school, of_classroom, of_student)
        and s.from_at = since and s.until_at = until);
  return found;
end $$;
comment on function plugin_notifications.add_scope_source is
  'Writes down what the scope of an incident follows from; nothing of whom it names is told.';

create function plugin_notifications.withdraw_scope_source(
  number bigint, known_by text, why bytea, at timestamptz) returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
begin
  if why is null or not is_open(number) then return false; end if;
  perform from incident i where i.id = number for update;
  update scope_source s set withdrawn_at = at, withdrawn_by = (ids('account'))[1], withdrawn_reason = why
   where s.incident_id = number and s.public_id = known_by and s.withdrawn_at is null;
  return found;
end $$;
comment on function plugin_notifications.withdraw_scope_source is
  'Marks a source that was named by mistake; its row stays.';

-- ------------------------------------------------------------------------------------------ whom one reached

-- Times have a beginning and go up to their end, which is no part of them. Suspended memberships count, too: who was
-- misused is often suspended before this is asked. Children and parents count who were there at any moment of the
-- time; who teaches, and which schools a district has, is known as of now alone, so that counts as it is. A source
-- whose account, class or school is erased reaches nobody, and not more.
create function plugin_notifications.reached_by(source bigint)
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
                  where n.extent in ('account', 'rooms') or n.extent = 'own' and s.kind = 'personal'
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
comment on function plugin_notifications.reached_by is
  'Whom a source of a scope reached in its time; for the function below.';

-- Whoever was reached stays so, although the account has lost its classes since, or is erased: what was found by a
-- source is kept, and only withdrawing it takes that back. Whoever was written to stays, and so does their child.
create function plugin_notifications.compute_scope(number bigint, at timestamptz)
  returns table (school_id bigint, kind text, before bigint, people bigint)
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
#variable_conflict use_column
declare
  stood jsonb;
begin
  if not is_open(number) then return; end if;
  -- Another computing waits: of two at once, the second finds what the first has kept.
  perform from incident i where i.id = number for update;
  select coalesce(jsonb_agg(b), '[]') into stood
    from (select p.school_id, p.kind, count(*) as n from affected_person p
           where p.incident_id = number and p.no_longer_at is null and p.school_id is not null
           group by 1, 2) b;

  -- Two children of the set who were merged are one: the first row has the sources of both, and the other none.
  insert into scope_reach (source_id, person_id)
  select r.source_id, t.first_id
    from (select p.id, min(p.id) over (partition by p.school_id, p.student_id) as first_id
            from affected_person p where p.incident_id = number and p.student_id is not null) t
    join scope_reach r on r.person_id = t.id
   where t.id <> t.first_id
  on conflict do nothing;
  delete from scope_reach r using affected_person p
   where r.person_id = p.id and p.incident_id = number
     and exists (select from affected_person q where q.incident_id = number and q.school_id = p.school_id
                    and q.student_id = p.student_id and q.id < p.id);

  with r as materialized (
    select s.id as source_id, x.kind, x.school_id, x.student_id, x.account_id,
           coalesce(x.student_id, 0) as student, coalesce(x.account_id, 0) as account
      from scope_source s cross join lateral reached_by(s.id) x
     where s.incident_id = number and s.withdrawn_at is null),
  known as materialized (
    select min(p.id) as id, p.kind, p.school_id, coalesce(p.student_id, 0) as student,
           coalesce(p.account_id, 0) as account
      from affected_person p
     where p.incident_id = number and p.school_id is not null
       and (p.student_id is not null or p.account_id is not null)
     group by 2, 3, 4, 5),
  come as (
    insert into affected_person (incident_id, kind, school_id, student_id, account_id, added_at)
    select distinct number, r.kind, r.school_id, r.student_id, r.account_id, at
      from r left join known k using (kind, school_id, student, account) where k.id is null
    returning id, kind, school_id, coalesce(student_id, 0) as student, coalesce(account_id, 0) as account),
  -- The rows as they were before, and the new ones: a statement does not see what it writes itself.
  each as (select * from known union all select * from come)
  insert into scope_reach (source_id, person_id)
  select r.source_id, e.id from r join each e using (kind, school_id, student, account)
  on conflict do nothing;

  -- In sets: looking for each person among all who were written to would not end.
  with sourced as materialized (
    select r.person_id, bool_or(s.withdrawn_at is null) as by_one_that_stands
      from scope_reach r join scope_source s on s.id = r.source_id
     where s.incident_id = number group by 1),
  written as materialized (
    select distinct d.account_id from notice_delivery d join notice n on n.id = d.notice_id
     where n.incident_id = number and d.account_id is not null),
  kept as materialized (
    select p.id from affected_person p join written w on w.account_id = p.account_id where p.incident_id = number
     union
    select p.id from affected_person p
      join guardian_link g on g.school_id = p.school_id and g.student_id = p.student_id
      join written w on w.account_id = g.account_id
     where p.incident_id = number and g.approved_at is not null)
  update affected_person p set no_longer_at = case when p.no_longer_at is null then at end
    from affected_person q left join sourced o on o.person_id = q.id left join kept k on k.id = q.id
   where q.incident_id = number and p.id = q.id
     and (p.no_longer_at is null) <> (
       coalesce(o.by_one_that_stands, false)
       or (p.no_longer_at is null and o.person_id is not null and k.id is not null));

  return query
  with then_ as (
    select (b ->> 'school_id')::bigint as school_id, b ->> 'kind' as kind, (b ->> 'n')::bigint as n
      from jsonb_array_elements(stood) b),
  now_ as (
    select p.school_id, p.kind, count(*) as n from affected_person p
     where p.incident_id = number and p.no_longer_at is null and p.school_id is not null group by 1, 2)
  select school_id, kind, coalesce(b.n, 0), coalesce(a.n, 0)
    from then_ b full join now_ a using (school_id, kind) order by 1, 2;
end $$;
comment on function plugin_notifications.compute_scope is
  'Computes the set of people of an incident anew and keeps it: numbers for a founder, and nobody''s row.';

-- ------------------------------------------------------------------------------------------- numbers for pages

create function plugin_notifications.scope_sources_of(number bigint)
  returns table (public_id text, kind text, extent text, school_id bigint, is_gone boolean, from_at timestamptz,
                 until_at timestamptz, written_at timestamptz, withdrawn_at timestamptz, reason bytea, people bigint)
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select s.public_id::text, s.kind, s.extent, s.school_id,
         case s.extent when 'school' then s.school_id when 'district' then s.district_id
                       when 'classroom' then s.classroom_id when 'student' then s.student_id
                       when 'family' then s.student_id else s.account_id end is null,
         s.from_at, s.until_at, s.written_at, s.withdrawn_at, s.withdrawn_reason,
         (select count(*) from scope_reach r where r.source_id = s.id)
    from scope_source s where s.incident_id = number and is_founder() order by s.id
$$;
comment on function plugin_notifications.scope_sources_of is
  'What the scope of an incident follows from, without whose it is: for a founder.';

create function plugin_notifications.scope_in_all(number bigint)
  returns table (students bigint, staff bigint, parents bigint)
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select count(distinct p.student_id) filter (where p.kind = 'student')
           + count(*) filter (where p.kind = 'student' and p.student_id is null),
         count(distinct p.account_id) filter (where p.kind = 'staff')
           + count(*) filter (where p.kind = 'staff' and p.account_id is null),
         count(distinct p.account_id) filter (where p.kind = 'parent')
           + count(*) filter (where p.kind = 'parent' and p.account_id is null)
    from affected_person p where p.incident_id = number and p.no_longer_at is null and is_founder()
$$;
comment on function plugin_notifications.scope_in_all is
  'How many people an incident is about, each once wherever they are: numbers for a founder.';

do $$
declare
  f regprocedure;
begin
  for f in
    select p.oid::regprocedure from pg_proc p
     where p.pronamespace = 'plugin_notifications'::regnamespace
       and p.proname in ('staff_known_by', 'sessions_of_staff', 'class_known_by', 'export_known_by',
                         'add_scope_source', 'withdraw_scope_source', 'reached_by',
                         'compute_scope', 'scope_sources_of', 'scope_in_all')
  loop
    execute format('revoke execute on function %s from public', f);
    if f::text not like '%reached_by%' then
      execute format('grant execute on function %s to backoffice_app', f);
    end if;
  end loop;
end $$;

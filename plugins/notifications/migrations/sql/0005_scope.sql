-- The scope of an incident: founders write down misuse and read numbers, both by functions alone.

do $$
declare
  t text;
begin
  foreach t in array array['misuse', 'affected_person'] loop
    execute format('alter table plugin_notifications.%I enable row level security', t);
    execute format('alter table plugin_notifications.%I force row level security', t);
    execute format('create policy owner on plugin_notifications.%I to backoffice_owner using (true) with check (true)', t);
    execute format('create policy system on plugin_notifications.%I to backoffice_system
                    using ((select app.purpose()) <> '''') with check ((select app.purpose()) <> '''')', t);
    execute format('grant select, insert, update, delete on plugin_notifications.%I to backoffice_system', t);
    execute format('grant usage on sequence plugin_notifications.%I to backoffice_system', t || '_id_seq');
  end loop;
end $$;

create function plugin_notifications.add_misuse(
  number bigint, known_by text, index_of_email bytea, since timestamptz, until timestamptz, at timestamptz)
  returns bigint
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
declare
  found_account bigint;
begin
  if not is_open(number) then return null; end if;
  insert into misuse (incident_id, account_id, from_at, until_at, written_at, written_by)
  select number, a.id, since, until, at, (ids('account'))[1]
    from account a
   where (a.public_id = known_by or a.email_index = index_of_email)
     and (exists (select from membership m where m.account_id = a.id)
          or exists (select from teaching_role t where t.account_id = a.id))
  returning account_id into found_account;
  return found_account;
end $$;
comment on function plugin_notifications.add_misuse is
  'Writes down that an account of staff was misused, and says which for the trail; nothing else of it is told.';

-- Suspended memberships count, too: who was misused is often suspended before this is asked. Children count
-- who were there at any moment of the time; who teaches is known as of now alone, so that counts as it is.
create function plugin_notifications.reached_by(number bigint)
  returns table (kind text, school_id bigint, student_id bigint, account_id bigint)
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  with misused as (select e.account_id, e.from_at, e.until_at from misuse e
                    where e.incident_id = number and e.account_id is not null),
       led as (select s.id, u.from_at, u.until_at
                 from misused u join membership m using (account_id)
                 join school s on s.id = m.school_id or s.district_id = m.district_id
                where m.role = 'leader'),
       class as (select t.school_id, t.classroom_id, u.from_at, u.until_at
                   from teaching_role t join misused u using (account_id)),
       child as (select s.school_id, s.id from student s join led l on l.id = s.school_id
                  where s.created_at <= l.until_at
                 union
                 select e.school_id, e.student_id from enrollment e join class c
                     on c.school_id = e.school_id and c.classroom_id = e.classroom_id
                  where e.joined_at <= c.until_at and (e.ended_at is null or e.ended_at >= c.from_at)),
       staff as (select m.school_id, m.account_id from membership m join led l on l.id = m.school_id
                  where m.created_at <= l.until_at
                 union
                 select t.school_id, t.account_id from teaching_role t where t.school_id in (select id from led)
                 union
                 select t.school_id, t.account_id from teaching_role t join class c
                     on c.school_id = t.school_id and c.classroom_id = t.classroom_id
                 union
                 select m.school_id, m.account_id from membership m join misused using (account_id)
                  where m.school_id is not null)
  select 'student', c.school_id, c.id, null::bigint from child c
  union all
  select 'staff', s.school_id, null, s.account_id from staff s
  union all
  select distinct 'parent', g.school_id, null::bigint, g.account_id from guardian_link g join child c
      on c.school_id = g.school_id and c.id = g.student_id
   where g.ended_at is null
$$;
comment on function plugin_notifications.reached_by is
  'Whom misused accounts reached in the time of their misuse; for the function below.';

-- It only grows: who was reached stays reached, although the account has lost its classes since, or is erased.
create function plugin_notifications.compute_scope(number bigint, at timestamptz)
  returns table (school_id bigint, kind text, people bigint, added bigint)
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
#variable_conflict use_column
begin
  if not is_open(number) then return; end if;
  return query
  with known as materialized (
    select p.kind, p.school_id, coalesce(p.student_id, 0) as student, coalesce(p.account_id, 0) as account
      from affected_person p where p.incident_id = number and p.school_id is not null),
  come as (
    insert into affected_person (incident_id, kind, school_id, student_id, account_id, added_at)
    select number, r.kind, r.school_id, r.student_id, r.account_id, at
      from reached_by(number) r left join known k
        on k.kind = r.kind and k.school_id = r.school_id
           and k.student = coalesce(r.student_id, 0) and k.account = coalesce(r.account_id, 0)
     where k.kind is null
    returning school_id, kind),
  -- The rows as they were before: a statement does not see what it writes itself.
  each as (
    select k.school_id, k.kind, 0 as a from known k
    union all select c.school_id, c.kind, 1 from come c)
  select e.school_id, e.kind, count(*), sum(e.a)::bigint from each e group by 1, 2 order by 1, 2;
end $$;
comment on function plugin_notifications.compute_scope is
  'Computes the set of people of an incident anew and keeps it: numbers for a founder, and nobody''s row.';

revoke execute on function
  plugin_notifications.add_misuse(bigint, text, bytea, timestamptz, timestamptz, timestamptz),
  plugin_notifications.reached_by(bigint), plugin_notifications.compute_scope(bigint, timestamptz) from public;
grant execute on function
  plugin_notifications.add_misuse(bigint, text, bytea, timestamptz, timestamptz, timestamptz),
  plugin_notifications.compute_scope(bigint, timestamptz) to backoffice_app;

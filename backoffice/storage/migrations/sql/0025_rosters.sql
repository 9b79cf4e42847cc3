-- Rosters: the last change of each class can be undone, and a class that is archived stays as it is.

do $$
declare
  t text;
begin
  foreach t in array array['roster_change', 'roster_change_student'] loop
    execute format('alter table app.%I enable row level security', t);
    execute format('alter table app.%I force row level security', t);
    execute format('create policy owner on app.%I to backoffice_owner using (true) with check (true)', t);
    execute format('create policy system on app.%I to backoffice_system
                    using ((select app.purpose()) <> '''') with check ((select app.purpose()) <> '''')', t);
    execute format('grant select, insert, update, delete on app.%I to backoffice_system', t);
    execute format('create policy app_read on app.%I for select to backoffice_app
                    using (school_id = any ((select app.ids(''led_schools''))::bigint[])
                           or classroom_id = any ((select app.ids(''classrooms''))::bigint[]))', t);
  end loop;
end $$;

-- ------------------------------------------------------------------------------------- the last change

create policy app_insert on app.roster_change for insert to backoffice_app
  with check ((school_id = any ((select app.ids('led_schools'))::bigint[])
               or classroom_id = any ((select app.ids('classrooms'))::bigint[]))
              and by = any ((select app.ids('account'))::bigint[]));
create policy app_insert on app.roster_change_student for insert to backoffice_app
  with check (school_id = any ((select app.ids('led_schools'))::bigint[])
              or classroom_id = any ((select app.ids('classrooms'))::bigint[]));
grant select, insert on app.roster_change to backoffice_app;
grant select, insert on app.roster_change_student to backoffice_app;

-- What the record calls new was made by that change: the database looks itself, by the moment.
create function app.forget_added(school bigint, classroom bigint) returns bigint
language sql security definer set search_path = app, pg_temp as $$
  with gone as (
    delete from student s
     using roster_change r, roster_change_student c
     where r.school_id = school and r.classroom_id = classroom
       and c.school_id = r.school_id and c.classroom_id = r.classroom_id and c.how = 'new'
       and s.school_id = c.school_id and s.id = c.student_id and s.created_at = r.at
       and (r.school_id = any (ids('led_schools')) or r.classroom_id = any (ids('classrooms')))
       and s.pin_hash is null and s.username_digest is null
       and not exists (select from enrollment e where e.school_id = s.school_id and e.student_id = s.id
                          and e.classroom_id <> classroom)
       and not exists (select from point_entry p where p.school_id = s.school_id and p.student_id = s.id
                          and p.classroom_id = classroom)
       and not exists (select from student_session t where t.school_id = s.school_id and t.student_id = s.id
                          and t.classroom_id = classroom)
       and not exists (select from guardian_link g where g.school_id = s.school_id and g.student_id = s.id)
       and not exists (select from guardian_invitation i where i.school_id = s.school_id and i.student_id = s.id)
    returning 1)
  select count(*) from gone
$$;
comment on function app.forget_added is
  'Erases the students whom the last change of a class''s roster made, if nothing has become of them; how many.';

create function app.forget_roster_change(school bigint, classroom bigint) returns void
language sql security definer set search_path = app, pg_temp as $$
  delete from roster_change r
   where r.school_id = school and r.classroom_id = classroom
     and (r.school_id = any (ids('led_schools')) or r.classroom_id = any (ids('classrooms')) or purpose() <> '')
$$;
comment on function app.forget_roster_change is 'Forgets the last change of a class''s roster: it is undone, or another took its place.';

revoke execute on function app.forget_added(bigint, bigint), app.forget_roster_change(bigint, bigint) from public;
grant execute on function app.forget_added(bigint, bigint) to backoffice_app;
grant execute on function app.forget_roster_change(bigint, bigint) to backoffice_app, backoffice_system;

drop function app.who_left(bigint, bigint);
create function app.who_left(school bigint, classroom bigint)
returns table (student_id bigint, public_id text, given_name bytea, family_name bytea)
language sql stable security definer set search_path = app, pg_temp as $$
  select s.id, s.public_id, s.given_name, s.family_name
    from enrollment e
    join student s on s.school_id = e.school_id and s.id = e.student_id
   where e.school_id = school and e.classroom_id = classroom and e.ended_at is not null
     and (e.school_id = any (ids('led_schools')) or e.classroom_id = any (ids('classrooms')))
$$;
comment on function app.who_left is
  'Former students of a class that the principal teaches or leads, to recognise who comes back.';
revoke execute on function app.who_left(bigint, bigint) from public;
grant execute on function app.who_left(bigint, bigint) to backoffice_app, backoffice_system;

-- ------------------------------------------------------------------------------------- archived classes

grant update (archived_at, colour, icon) on app.classroom to backoffice_app;

-- The pages refuse it with a sentence; this is for whatever forgets to ask. Imports and erasure go on.
create function app.class_is_kept() returns trigger language plpgsql set search_path = app, pg_temp as $$
begin
  if exists (select from classroom c where c.school_id = new.school_id and c.id = new.classroom_id
                and c.archived_at is not null) then
    raise insufficient_privilege using message = 'An archived class stays as it is.';
  end if;
  return new;
end $$;

create function app.stays_archived() returns trigger language plpgsql set search_path = app, pg_temp as $$
begin
  raise insufficient_privilege using message = 'An archived class stays as it is.';
end $$;
revoke execute on function app.class_is_kept(), app.stays_archived() from public;

do $$
declare
  t text;
begin
  foreach t in array array['enrollment', 'classroom_code', 'action', 'point_award', 'point_entry', 'roster_change'] loop
    execute format('create trigger class_is_kept before insert or update on app.%I
                    for each row when (current_user = ''backoffice_app'')
                    execute function app.class_is_kept()', t);
  end loop;
end $$;

create trigger stays_archived before update on app.classroom
  for each row when (current_user = 'backoffice_app' and old.archived_at is not null
                     and new.archived_at is not null)
  execute function app.stays_archived();

create function app.end_sessions_of_archived() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update student_session s set ended_at = new.archived_at
   where s.school_id = new.school_id and s.classroom_id = new.id and s.ended_at is null;
  return null;
end $$;
comment on function app.end_sessions_of_archived is 'Whoever is in when a class is archived is out, by code or card.';
revoke execute on function app.end_sessions_of_archived() from public;
create trigger end_sessions_of_archived after update of archived_at on app.classroom
  for each row when (old.archived_at is null and new.archived_at is not null)
  execute function app.end_sessions_of_archived();

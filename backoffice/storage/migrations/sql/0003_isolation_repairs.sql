-- The policies compare the numbers of classrooms and students alone. That is sound because those numbers are
-- unique over all schools (uq_classroom_id, uq_student_id): nobody can give a class of one school the number
-- of another's.

-- ------------------------------------------------------------------------- what this transaction has made

-- A class without a teacher, or a student without an enrollment, was "new" for ever and anybody's at the
-- school. Now that is new which this very transaction has made. Noted for the web's role only: the others
-- are not asked, and imports make many rows.
create function app.note_made() returns trigger language plpgsql set search_path = app, pg_temp as $$
begin
  perform set_ids(tg_argv[0], ids(tg_argv[0]) || new.id);
  return null;
end $$;
comment on function app.note_made is 'Remembers, until the transaction ends, the number of a row that it inserted.';

create trigger note_made after insert on app.classroom
  for each row when (current_user = 'backoffice_app') execute function app.note_made('made_classrooms');
create trigger note_made after insert on app.student
  for each row when (current_user = 'backoffice_app') execute function app.note_made('made_students');

drop policy app_insert on app.teaching_role;
drop policy app_insert on app.classroom_code;
drop policy app_insert on app.enrollment;
drop function app.is_new_classroom(bigint, bigint);
drop function app.is_new_student(bigint, bigint);

create function app.works_at(account bigint, school bigint) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select exists (select from membership m where m.account_id = account and m.school_id = school)
$$;
comment on function app.works_at is 'Whether an account belongs to a school; nobody else can be made one of its teachers.';

create policy app_insert on app.teaching_role for insert to backoffice_app
  with check ((school_id = any ((select app.ids('led_schools'))::bigint[])
               or (school_id = any ((select app.ids('staffed_schools'))::bigint[])
                   and (classroom_id = any ((select app.ids('classrooms'))::bigint[])
                        or classroom_id = any ((select app.ids('made_classrooms'))::bigint[]))))
              and (account_id = any ((select app.ids('account'))::bigint[])
                   or app.works_at(account_id, school_id)));

create policy app_insert on app.classroom_code for insert to backoffice_app
  with check ((school_id = any ((select app.ids('led_schools'))::bigint[])
               or (school_id = any ((select app.ids('staffed_schools'))::bigint[])
                   and (classroom_id = any ((select app.ids('classrooms'))::bigint[])
                        or classroom_id = any ((select app.ids('made_classrooms'))::bigint[]))))
              and issued_by = any ((select app.ids('account'))::bigint[]));

create policy app_insert on app.enrollment for insert to backoffice_app
  with check (school_id = any ((select app.ids('led_schools'))::bigint[])
              or (classroom_id = any ((select app.ids('classrooms'))::bigint[])
                  and (student_id = any ((select app.taught())::bigint[])
                       or student_id = any ((select app.ids('made_students'))::bigint[]))));

drop policy app_insert on app.point_entry;
create policy app_insert on app.point_entry for insert to backoffice_app
  with check ((school_id = any ((select app.ids('led_schools'))::bigint[])
               or classroom_id = any ((select app.ids('classrooms'))::bigint[]))
              and awarded_by = any ((select app.ids('account'))::bigint[]));

-- --------------------------------------------------------------------------------- what never comes back

create function app.stays_ended() returns trigger language plpgsql set search_path = app, pg_temp as $$
begin
  raise insufficient_privilege using message = 'What has ended stays ended.';
end $$;

create trigger stays_ended before update of ended_at on app.account_session
  for each row when (old.ended_at is not null and new.ended_at is null) execute function app.stays_ended();
create trigger stays_ended before update of ended_at on app.student_session
  for each row when (old.ended_at is not null and new.ended_at is null) execute function app.stays_ended();
create trigger stays_ended before update of ended_at on app.classroom_code
  for each row when (old.ended_at is not null and new.ended_at is null) execute function app.stays_ended();

create function app.epoch_grows() returns trigger language plpgsql set search_path = app, pg_temp as $$
begin
  raise insufficient_privilege using message = 'The security epoch of an account only grows.';
end $$;

create trigger epoch_grows before update of security_epoch on app.account
  for each row when (new.security_epoch < old.security_epoch) execute function app.epoch_grows();

-- Entering moves it, with its owner's rights; nobody keeps an idle session alive by hand.
revoke update (last_seen_at) on app.account_session, app.student_session from backoffice_app;

-- --------------------------------------------------------------------------------------------- the trail

create function app.may_note(school bigint) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select school is null or is_founder() or school = any (ids('schools')) or school = any (ids('begun_in'))
      or exists (select from student s where s.school_id = school and s.id = any (ids('students')))
$$;
comment on function app.may_note is
  'Whether the principal may write to the trail of a school: its own, its child''s, or the one of a session just begun.';

create function app.is_detail_of(entry bigint, school bigint) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select entry = any (ids('made_entry'))
     and exists (select from audit_entry e where e.id = entry and e.school_id is not distinct from school)
$$;
comment on function app.is_detail_of is 'Whether this transaction has just made the entry, and in the same school.';

create function app.note_entry() returns trigger language plpgsql set search_path = app, pg_temp as $$
begin
  perform set_ids('made_entry', array[new.id]);
  return null;
end $$;

create trigger note_entry after insert on app.audit_entry
  for each row when (current_user = 'backoffice_app') execute function app.note_entry();

create function app.was_here(moment timestamptz) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select case
    when ids('account') <> '{}' then exists (
      select from account_session s where s.account_id = any (ids('account'))
         and moment between s.started_at and s.expires_at)
    when ids('student_session') <> '{}' then exists (
      select from student_session s where s.id = any (ids('student_session'))
         and moment between s.started_at and s.expires_at)
    else true end
$$;
comment on function app.was_here is
  'Whether the principal was signed in at a moment. Of somebody without a session nobody can tell.';

drop policy app_insert on app.audit_entry;
create policy app_insert on app.audit_entry for insert to backoffice_app
  with check (actor_kind = case when app.ids('account') <> '{}' then 'account'
                                when app.ids('student_session') <> '{}' then 'student'
                                else 'nobody' end
              and app.was_here(at)
              and app.may_note(school_id));

drop policy app_insert on app.audit_detail;
create policy app_insert on app.audit_detail for insert to backoffice_app
  with check (app.is_detail_of(entry_id, school_id));

-- ------------------------------------------------------------------------------------ sessions that begin

drop function app.begin_account_session(
  bigint, text, bytea, timestamptz, integer, timestamptz, bytea, bytea);

create function app.begin_account_session(
  of_account bigint, of_epoch integer, id_outside text, digest bytea, at timestamptz, idle integer,
  until timestamptz, from_address bytea, from_device bytea)
returns bigint
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  made bigint;
begin
  insert into account_session (public_id, account_id, token_digest, security_epoch, started_at,
                               last_seen_at, idle_minutes, expires_at, address, device)
  select id_outside, a.id, digest, of_epoch, at, at, idle, until, from_address, from_device
    from account a where a.id = of_account and a.status = 'active' and a.security_epoch = of_epoch
  returning account_session.id into made;
  if made is not null then
    update account set last_active_at = at where id = of_account;
  end if;
  return made;
end $$;
comment on function app.begin_account_session is
  'Begins a session of an active account whose epoch is still the one under which its credentials were checked.';

create or replace function app.begin_student_session(
  index_of_code bytea, student text, token uuid, at timestamptz, idle_shared integer, idle_own integer,
  until timestamptz, from_address bytea)
returns table (session_id bigint, school_id bigint, idle_minutes integer)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
begin
  insert into student_session (token_id, school_id, classroom_id, student_id, code_id, started_at,
                               last_seen_at, idle_minutes, expires_at, address)
  select token, o.school_id, o.classroom_id, s.id, o.code_id, at, at,
         case when o.shared_devices then idle_shared else idle_own end, until, from_address
    from open_code(index_of_code, at) o
    join student s on s.school_id = o.school_id and s.public_id = student
    join enrollment e on e.school_id = o.school_id and e.classroom_id = o.classroom_id
                     and e.student_id = s.id and e.ended_at is null
  returning student_session.id, student_session.school_id, student_session.idle_minutes
       into session_id, school_id, idle_minutes;
  if not found then return; end if;
  -- There is no principal yet, and the school's trail is to say that a child came in.
  perform set_ids('begun_in', array[school_id]);
  return next;
end $$;

-- A code that was renewed has leaked, or may have: whoever came in with it goes out with it.
create function app.end_sessions_of_code() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update student_session s set ended_at = new.ended_at
   where s.school_id = new.school_id and s.code_id = new.id and s.ended_at is null;
  return null;
end $$;

create trigger end_sessions_of_code after update of ended_at on app.classroom_code
  for each row when (old.ended_at is null and new.ended_at is not null)
  execute function app.end_sessions_of_code();

-- ----------------------------------------------------------------------------------------------- numbers

create or replace function app.school_counts()
returns table (school_id bigint, classrooms bigint, students bigint, staff bigint)
language sql stable security definer set search_path = app, pg_temp as $$
  select s.id,
         (select count(*) from classroom c where c.school_id = s.id),
         (select count(*) from student p where p.school_id = s.id),
         (select count(distinct m.account_id) from membership m where m.school_id = s.id)
    from school s
   where is_founder() or s.id = any (ids('led_schools'))
      or exists (select from membership m
                  where m.account_id = any (ids('account')) and m.role = 'privacy_officer'
                    and (m.school_id = s.id or m.district_id = s.district_id))
$$;

revoke execute on function
  app.note_made(), app.works_at(bigint, bigint), app.stays_ended(), app.epoch_grows(), app.may_note(bigint),
  app.is_detail_of(bigint, bigint), app.was_here(timestamptz), app.note_entry(), app.end_sessions_of_code(),
  app.begin_account_session(
    bigint, integer, text, bytea, timestamptz, integer, timestamptz, bytea, bytea) from public;
grant execute on function
  app.works_at(bigint, bigint), app.may_note(bigint), app.is_detail_of(bigint, bigint),
  app.was_here(timestamptz),
  app.begin_account_session(bigint, integer, text, bytea, timestamptz, integer, timestamptz, bytea, bytea)
  to backoffice_app, backoffice_system;

-- Row-level security: who sees which rows, whatever the application asks for.
-- The principal of a transaction stands in transaction-local settings (app.*), set by app.enter and its
-- sisters. It is a scope, not a role: what somebody may DO within it is decided by config/roles.toml.

grant usage on schema app to backoffice_app, backoffice_system;

-- ---------------------------------------------------------------- the principal of the transaction

create function app.ids(name text) returns bigint[] language sql stable parallel safe as $$
  select coalesce(nullif(current_setting('app.' || name, true), ''), '{}')::bigint[]
$$;
comment on function app.ids is 'Identifiers the principal holds under a name, as an array.';

create function app.is_founder() returns boolean language sql stable parallel safe as $$
  select coalesce(current_setting('app.founder', true), '') = 'yes'
$$;

create function app.purpose() returns text language sql stable parallel safe as $$
  select coalesce(current_setting('app.purpose', true), '')
$$;
comment on function app.purpose is 'Why backoffice_system is at work; without a purpose it sees nothing.';

create function app.set_ids(name text, ids bigint[]) returns void language sql as $$
  select set_config('app.' || name, coalesce(ids, '{}')::text, true)
$$;

create function app.taught() returns bigint[]
language sql stable security definer set search_path = app, pg_temp as $$
  select array(select e.student_id from enrollment e
               where e.classroom_id = any (ids('classrooms')) and e.ended_at is null)
$$;
comment on function app.taught is 'Students enrolled in the classrooms that the principal teaches.';

create function app.pupils() returns bigint[]
language sql stable security definer set search_path = app, pg_temp as $$
  select taught() || ids('students')
$$;
comment on function app.pupils is 'Students taught, the signed-in student, or a parent''s children.';

create function app.people() returns bigint[]
language sql stable security definer set search_path = app, pg_temp as $$
  select array(select m.account_id from membership m where m.school_id = any (ids('led_schools'))
               union select t.account_id from teaching_role t
                     where t.school_id = any (ids('led_schools'))
                        or t.classroom_id = any (ids('classrooms')))
         || ids('account')
$$;
comment on function app.people is 'Accounts whose names the principal may see: own, staff led, colleagues of a class.';

create function app.is_new_classroom(school bigint, classroom bigint) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select not exists (select from teaching_role t where t.school_id = school and t.classroom_id = classroom)
$$;

create function app.is_new_student(school bigint, student bigint) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select not exists (select from enrollment e where e.school_id = school and e.student_id = student)
$$;

-- ------------------------------------------------------------------------------- coming in as somebody

create function app.enter(digest bytea, at timestamptz)
returns table (
  account_id bigint, session_id bigint, session_public_id text, account_public_id text, name bytea,
  time_zone text, founder boolean, led_schools bigint[], schools bigint[], taught_schools bigint[], districts bigint[],
  led_districts bigint[], officer_schools bigint[], owned bigint[], co_taught bigint[], helped bigint[],
  children bigint[], own_classrooms bigint[]
)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
declare
  found_session account_session;
  found_account account;
  officer_districts bigint[];
begin
  select s.* into found_session from account_session s
   where s.token_digest = digest and s.ended_at is null and s.expires_at > at
     and s.last_seen_at + make_interval(mins => s.idle_minutes) > at;
  if not found then return; end if;
  select a.* into found_account from account a
   where a.id = found_session.account_id and a.status = 'active'
     and a.security_epoch = found_session.security_epoch;
  if not found then return; end if;

  if found_session.last_seen_at + interval '1 minute' < at then
    update account_session set last_seen_at = at where id = found_session.id;
  end if;

  account_id := found_account.id;
  session_id := found_session.id;
  session_public_id := found_session.public_id;
  account_public_id := found_account.public_id;
  name := found_account.name;
  time_zone := found_account.time_zone;
  founder := found_account.founder;

  select array_agg(m.district_id) filter (where m.role = 'leader' and m.district_id is not null),
         array_agg(m.district_id) filter (where m.role = 'privacy_officer' and m.district_id is not null)
    into led_districts, officer_districts
    from membership m where m.account_id = found_account.id;
  led_districts := coalesce(led_districts, '{}');
  officer_districts := coalesce(officer_districts, '{}');
  led_schools := array(
    select m.school_id from membership m
     where m.account_id = found_account.id and m.role = 'leader' and m.school_id is not null
    union select s.id from school s where s.district_id = any (led_districts));
  taught_schools := array(
    select m.school_id from membership m
     where m.account_id = found_account.id and m.role = 'teacher' and m.school_id is not null);
  officer_schools := array(
    select m.school_id from membership m
     where m.account_id = found_account.id and m.role = 'privacy_officer' and m.school_id is not null
    union select s.id from school s where s.district_id = any (officer_districts));
  schools := array(select distinct unnest(led_schools || taught_schools || officer_schools));
  districts := array(
    select unnest(led_districts || officer_districts)
    union select s.district_id from school s where s.id = any (schools) and s.district_id is not null);
  select coalesce(array_agg(t.classroom_id) filter (where t.role = 'owner'), '{}'),
         coalesce(array_agg(t.classroom_id) filter (where t.role = 'co_teacher'), '{}'),
         coalesce(array_agg(t.classroom_id) filter (where t.role = 'helper'), '{}')
    into owned, co_taught, helped
    from teaching_role t
   where t.account_id = found_account.id
     and t.school_id = any (taught_schools || led_schools);
  children := array(select g.student_id from guardian_link g
                     where g.account_id = found_account.id and g.status = 'approved');
  own_classrooms := array(select e.classroom_id from enrollment e
                           where e.student_id = any (children) and e.ended_at is null);

  perform set_ids('account', array[found_account.id]);
  perform set_ids('led_schools', led_schools);
  perform set_ids('schools', schools);
  perform set_ids('staffed_schools', led_schools || taught_schools);
  perform set_ids('districts', districts);
  perform set_ids('classrooms', owned || co_taught || helped);
  perform set_ids('students', children);
  perform set_ids('own_classrooms', own_classrooms);
  perform set_config('app.founder', case when founder then 'yes' else '' end, true);
  return next;
end $$;
comment on function app.enter is
  'Checks an account session by the digest of its token and makes it the principal of the transaction. No row: no principal.';

create function app.enter_student(token uuid, at timestamptz)
returns table (
  session_id bigint, school_id bigint, classroom_id bigint, student_id bigint, student_public_id text,
  time_zone text, idle_minutes integer, expires_at timestamptz
)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
begin
  select s.id, s.school_id, s.classroom_id, s.student_id, p.public_id, h.time_zone, s.idle_minutes,
         s.expires_at
    into session_id, school_id, classroom_id, student_id, student_public_id, time_zone, idle_minutes,
         expires_at
    from student_session s
    join school h on h.id = s.school_id
    join student p on p.school_id = s.school_id and p.id = s.student_id
    join enrollment e on e.school_id = s.school_id and e.classroom_id = s.classroom_id
                     and e.student_id = s.student_id and e.ended_at is null
   where s.token_id = token and s.ended_at is null and s.expires_at > at
     and s.last_seen_at + make_interval(mins => s.idle_minutes) > at;
  if not found then return; end if;
  update student_session s set last_seen_at = at
   where s.school_id = enter_student.school_id and s.id = session_id and s.last_seen_at + interval '20 seconds' < at;
  perform set_ids('student_session', array[session_id]);
  perform set_ids('students', array[student_id]);
  perform set_ids('own_classrooms', array[classroom_id]);
  return next;
end $$;
comment on function app.enter_student is
  'Checks a student session by the token''s jti and makes it the principal of the transaction.';

-- ------------------------------------------------------------------- look-ups before there is a principal

create function app.sign_in_account(index_of_email bytea)
returns table (account_id bigint, password_hash text, status text, security_epoch integer)
language sql stable security definer set search_path = app, pg_temp as $$
  select a.id, p.password_hash, a.status, a.security_epoch
    from account a left join account_password p on p.account_id = a.id
   where a.email_index = index_of_email
$$;

create function app.begin_account_session(
  of_account bigint, id_outside text, digest bytea, at timestamptz, idle integer, until timestamptz,
  from_address bytea, from_device bytea)
returns bigint
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  made bigint;
begin
  insert into account_session (public_id, account_id, token_digest, security_epoch, started_at,
                               last_seen_at, idle_minutes, expires_at, address, device)
  select id_outside, a.id, digest, a.security_epoch, at, at, idle, until, from_address, from_device
    from account a where a.id = of_account and a.status = 'active'
  returning account_session.id into made;
  if made is not null then
    update account set last_active_at = at where id = of_account;
  end if;
  return made;
end $$;

create function app.open_code(index_of_code bytea, at timestamptz)
returns table (school_id bigint, classroom_id bigint, code_id bigint, shared_devices boolean)
language sql stable security definer set search_path = app, pg_temp as $$
  select c.school_id, c.id, k.id, c.shared_devices
    from classroom_code k
    join classroom c on c.school_id = k.school_id and c.id = k.classroom_id
   where k.code_index = index_of_code and k.ended_at is null
     and (c.door = 'open' or (c.door = 'until' and c.door_until > at))
$$;
comment on function app.open_code is 'The classroom whose code this is, if its door is open now.';

create function app.names_behind_code(index_of_code bytea, at timestamptz)
returns table (public_id text, given_name bytea, family_name bytea, alias bytea, avatar text)
language sql stable security definer set search_path = app, pg_temp as $$
  select s.public_id, s.given_name, s.family_name, e.alias, e.avatar
    from open_code(index_of_code, at) o
    join enrollment e on e.school_id = o.school_id and e.classroom_id = o.classroom_id
                     and e.ended_at is null
    join student s on s.school_id = e.school_id and s.id = e.student_id
$$;

create function app.begin_student_session(
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
  if found then return next; end if;
end $$;

create function app.school_counts()
returns table (school_id bigint, classrooms bigint, students bigint, staff bigint)
language sql stable security definer set search_path = app, pg_temp as $$
  select s.id,
         (select count(*) from classroom c where c.school_id = s.id),
         (select count(*) from student p where p.school_id = s.id),
         (select count(distinct m.account_id) from membership m where m.school_id = s.id)
    from school s
   where is_founder() or s.id = any (ids('led_schools'))
      or s.district_id = any (ids('districts')) and s.id = any (ids('schools'))
$$;
comment on function app.school_counts is 'Numbers by school, for those who see schools but no children.';

-- ------------------------------------------------------------------------------------------- policies

do $$
declare
  t text;
begin
  foreach t in array array['district', 'school', 'membership', 'account', 'account_password',
      'account_session', 'classroom', 'teaching_role', 'classroom_code', 'student', 'enrollment', 'action',
      'point_entry', 'guardian_link', 'student_session', 'audit_entry', 'audit_detail'] loop
    execute format('alter table app.%I enable row level security', t);
    execute format('alter table app.%I force row level security', t);
    execute format('create policy owner on app.%I to backoffice_owner using (true) with check (true)', t);
    execute format('create policy system on app.%I to backoffice_system
                    using ((select app.purpose()) <> '''') with check ((select app.purpose()) <> '''')', t);
  end loop;
end $$;

create policy app_read on app.district for select to backoffice_app
  using (id = any ((select app.ids('districts'))::bigint[]) or (select app.is_founder()));

create policy app_read on app.school for select to backoffice_app
  using (id = any ((select app.ids('schools'))::bigint[]) or (select app.is_founder()));

create policy app_read on app.membership for select to backoffice_app
  using (account_id = any ((select app.ids('account'))::bigint[])
         or school_id = any ((select app.ids('led_schools'))::bigint[]));

create policy app_read on app.account for select to backoffice_app
  using (id = any ((select app.people())::bigint[]));
create policy app_write on app.account for update to backoffice_app
  using (id = any ((select app.ids('account'))::bigint[]));

create policy app_own on app.account_password to backoffice_app
  using (account_id = any ((select app.ids('account'))::bigint[]));

create policy app_read on app.account_session for select to backoffice_app
  using (account_id = any ((select app.ids('account'))::bigint[]));
create policy app_write on app.account_session for update to backoffice_app
  using (account_id = any ((select app.ids('account'))::bigint[]));

create policy app_read on app.classroom for select to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or id = any ((select app.ids('classrooms'))::bigint[])
         or id = any ((select app.ids('own_classrooms'))::bigint[]));
create policy app_insert on app.classroom for insert to backoffice_app
  with check (school_id = any ((select app.ids('staffed_schools'))::bigint[]));
create policy app_write on app.classroom for update to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or id = any ((select app.ids('classrooms'))::bigint[]));

create policy app_read on app.teaching_role for select to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or classroom_id = any ((select app.ids('classrooms'))::bigint[])
         or account_id = any ((select app.ids('account'))::bigint[]));
create policy app_insert on app.teaching_role for insert to backoffice_app
  with check (school_id = any ((select app.ids('led_schools'))::bigint[])
              or (school_id = any ((select app.ids('staffed_schools'))::bigint[])
                  and (classroom_id = any ((select app.ids('classrooms'))::bigint[])
                       or app.is_new_classroom(school_id, classroom_id))));

create policy app_read on app.classroom_code for select to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or classroom_id = any ((select app.ids('classrooms'))::bigint[]));
create policy app_insert on app.classroom_code for insert to backoffice_app
  with check (school_id = any ((select app.ids('led_schools'))::bigint[])
              or (school_id = any ((select app.ids('staffed_schools'))::bigint[])
                  and (classroom_id = any ((select app.ids('classrooms'))::bigint[])
                       or app.is_new_classroom(school_id, classroom_id))));
create policy app_write on app.classroom_code for update to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or classroom_id = any ((select app.ids('classrooms'))::bigint[]));

create policy app_read on app.student for select to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or id = any ((select app.pupils())::bigint[]));
create policy app_insert on app.student for insert to backoffice_app
  with check (school_id = any ((select app.ids('staffed_schools'))::bigint[]));
create policy app_write on app.student for update to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or id = any ((select app.taught())::bigint[]));

create policy app_read on app.enrollment for select to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or classroom_id = any ((select app.ids('classrooms'))::bigint[])
         or student_id = any ((select app.ids('students'))::bigint[]));
create policy app_insert on app.enrollment for insert to backoffice_app
  with check (school_id = any ((select app.ids('led_schools'))::bigint[])
              or (classroom_id = any ((select app.ids('classrooms'))::bigint[])
                  and (student_id = any ((select app.taught())::bigint[])
                       or app.is_new_student(school_id, student_id))));
create policy app_write on app.enrollment for update to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or classroom_id = any ((select app.ids('classrooms'))::bigint[]));

create policy app_read on app.action for select to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or classroom_id = any ((select app.ids('classrooms'))::bigint[])
         or classroom_id = any ((select app.ids('own_classrooms'))::bigint[]));
create policy app_insert on app.action for insert to backoffice_app
  with check (school_id = any ((select app.ids('led_schools'))::bigint[])
              or classroom_id = any ((select app.ids('classrooms'))::bigint[]));

-- Points are append-only: there is no policy, and no grant, to change or remove one.
create policy app_read on app.point_entry for select to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or classroom_id = any ((select app.ids('classrooms'))::bigint[])
         or student_id = any ((select app.ids('students'))::bigint[]));
create policy app_insert on app.point_entry for insert to backoffice_app
  with check (school_id = any ((select app.ids('led_schools'))::bigint[])
              or classroom_id = any ((select app.ids('classrooms'))::bigint[]));

create policy app_read on app.guardian_link for select to backoffice_app
  using (account_id = any ((select app.ids('account'))::bigint[])
         or school_id = any ((select app.ids('led_schools'))::bigint[])
         or student_id = any ((select app.taught())::bigint[]));

create policy app_read on app.student_session for select to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or classroom_id = any ((select app.ids('classrooms'))::bigint[])
         or id = any ((select app.ids('student_session'))::bigint[]));
create policy app_write on app.student_session for update to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or classroom_id = any ((select app.ids('classrooms'))::bigint[])
         or id = any ((select app.ids('student_session'))::bigint[]));

create policy app_read on app.audit_entry for select to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[]) or (select app.is_founder()));
create policy app_insert on app.audit_entry for insert to backoffice_app with check (true);
create policy app_read on app.audit_detail for select to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[]));
create policy app_insert on app.audit_detail for insert to backoffice_app with check (true);

-- --------------------------------------------------------------------------------------------- grants

grant select on app.district, app.school, app.membership, app.account, app.account_password,
  app.account_session, app.classroom, app.teaching_role, app.classroom_code, app.student, app.enrollment,
  app.action, app.point_entry, app.guardian_link, app.student_session, app.audit_entry, app.audit_detail,
  app.installation, app.schema_version to backoffice_app;
grant insert on app.classroom, app.teaching_role, app.classroom_code, app.student, app.enrollment, app.action,
  app.point_entry, app.audit_entry, app.audit_detail to backoffice_app;
grant update (name, language, time_zone, last_active_at, security_epoch) on app.account to backoffice_app;
grant update (password_hash, set_at) on app.account_password to backoffice_app;
grant update (last_seen_at, ended_at) on app.account_session, app.student_session to backoffice_app;
grant update (name, door, door_until, shared_devices) on app.classroom to backoffice_app;
grant update (ended_at) on app.classroom_code to backoffice_app;
grant update (given_name, family_name, name_tokens, username_digest, pin_hash) on app.student to backoffice_app;
grant update (alias, avatar, balance, ended_at) on app.enrollment to backoffice_app;
grant usage on all sequences in schema app to backoffice_app, backoffice_system;

grant select, insert, update, delete on all tables in schema app to backoffice_system;
revoke insert, update, delete on app.installation, app.schema_version from backoffice_system;
revoke update, delete on app.audit_entry from backoffice_system;
revoke update on app.audit_detail, app.point_entry from backoffice_system;

revoke execute on all functions in schema app from public;
grant execute on all functions in schema app to backoffice_app, backoffice_system;

-- Samples of sealed values, tokens, digests and hashes have no place in pg_statistic.
do $$
declare
  c record;
begin
  for c in select a.attrelid::regclass as t, a.attname from pg_attribute a
            join pg_class k on k.oid = a.attrelid and k.relkind = 'r'
            where k.relnamespace = 'app'::regnamespace and a.attnum > 0 and not a.attisdropped
              and (a.atttypid in ('bytea'::regtype, 'bytea[]'::regtype)
                   or a.attname in ('username_digest', 'pin_hash', 'password_hash')) loop
    execute format('alter table %s alter column %I set statistics 0', c.t, c.attname);
  end loop;
end $$;

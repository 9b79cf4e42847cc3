-- The second factor. Its secret is sealed and seen by its owner alone; before there is a principal, a code is
-- used through the functions below: a step of the clock once, and a recovery code once, in whatever process.

do $$
declare
  t text;
begin
  foreach t in array array['account_second_factor', 'account_recovery_code'] loop
    execute format('alter table app.%I enable row level security', t);
    execute format('alter table app.%I force row level security', t);
    execute format('create policy owner on app.%I to backoffice_owner using (true) with check (true)', t);
    execute format('create policy system on app.%I to backoffice_system
                    using ((select app.purpose()) <> '''') with check ((select app.purpose()) <> '''')', t);
    execute format('create policy app_own on app.%I to backoffice_app
                    using (account_id = any ((select app.ids(''account''))::bigint[]))', t);
    execute format('grant select, insert, update, delete on app.%I to backoffice_system', t);
    execute format('grant select, insert on app.%I to backoffice_app', t);
  end loop;
end $$;

grant update (secret, set_at, last_step, pending) on app.account_second_factor to backoffice_app;
grant usage on sequence app.account_recovery_code_id_seq to backoffice_app, backoffice_system;
grant update (proven_at) on app.account_session to backoffice_app;
alter table app.account_second_factor alter column secret set statistics 0, alter column pending set statistics 0;
alter table app.account_recovery_code alter column code_digest set statistics 0;

-- The web deletes nothing by itself: these are the two ends that an owner makes.
create function app.forget_recovery_codes() returns void
language sql security definer set search_path = app, pg_temp as $$
  delete from account_recovery_code c where c.account_id = any (ids('account'))
$$;
comment on function app.forget_recovery_codes is 'Deletes the recovery codes of the principal''s own account.';

create function app.forget_second_factor() returns void
language sql security definer set search_path = app, pg_temp as $$
  delete from account_recovery_code c where c.account_id = any (ids('account'));
  delete from account_second_factor f where f.account_id = any (ids('account'))
$$;
comment on function app.forget_second_factor is 'Deletes second factor and recovery codes of the principal''s own account.';

revoke execute on function app.forget_recovery_codes(), app.forget_second_factor() from public;
grant execute on function app.forget_recovery_codes(), app.forget_second_factor() to backoffice_app;

create function app.second_factor(of_account bigint) returns bytea
language sql stable security definer set search_path = app, pg_temp as $$
  select f.secret from account_second_factor f where f.account_id = of_account
$$;
comment on function app.second_factor is 'The sealed secret of an account''s second factor, if it has one.';

-- Whoever uses or changes a factor locks the account first, so that no two wait for each other.
create function app.hold_account(of_account bigint) returns void
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  perform from account a where a.id = of_account for no key update;
end $$;
comment on function app.hold_account is 'Lets nobody else use or change the factors of an account until the end.';
revoke execute on function app.hold_account(bigint) from public;

create function app.use_step(of_account bigint, step integer) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  perform hold_account(of_account);
  update account_second_factor f set last_step = step
   where f.account_id = of_account and f.secret is not null and f.last_step < step;
  return found;
end $$;
comment on function app.use_step is
  'Uses a step of the clock: of two who use one at once, the second finds it used, as is every older one.';

create function app.use_recovery_code(of_account bigint, digest bytea, at timestamptz) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  perform hold_account(of_account);
  update account_recovery_code c set used_at = at
   where c.account_id = of_account and c.code_digest = digest and c.used_at is null;
  if not found then return false; end if;
  insert into account_letter (kind, account_id, created_at) values ('recovery_used', of_account, at);
  return true;
end $$;
comment on function app.use_recovery_code is 'Uses a recovery code, once; its owner is told.';

create or replace function app.begin_account_session(
  of_account bigint, of_epoch integer, id_outside text, digest bytea, at timestamptz, idle integer,
  until timestamptz, from_address bytea, from_device bytea)
returns bigint
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  made bigint;
begin
  insert into account_session (public_id, account_id, token_digest, security_epoch, started_at,
                               last_seen_at, idle_minutes, expires_at, address, device, proven_at)
  select id_outside, a.id, digest, of_epoch, at, at, idle, until, from_address, from_device, at
    from account a where a.id = of_account and a.status = 'active' and a.security_epoch = of_epoch
  returning account_session.id into made;
  if made is not null then
    update account set last_active_at = at where id = of_account;
  end if;
  return made;
end $$;

create function app.has_factor(of_account bigint) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select exists (select from account_second_factor f where f.account_id = of_account and f.secret is not null)
$$;
comment on function app.has_factor is 'Whether an account has a second factor of any kind.';

create function app.must_have_factor(of_account bigint) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select a.founder from account a where a.id = of_account
$$;
comment on function app.must_have_factor is 'Whether an account may not be without a second factor.';

-- For app.enter alone, which runs as the owner.
revoke execute on function app.has_factor(bigint), app.must_have_factor(bigint) from public;

-- Whoever must have a second factor and has none is let in as itself and as nothing else: no role and no child.
drop function app.enter(bytea, timestamptz);

create function app.enter(digest bytea, at timestamptz)
returns table (
  account_id bigint, session_id bigint, session_public_id text, account_public_id text, name bytea,
  time_zone text, founder boolean, led_schools bigint[], schools bigint[], taught_schools bigint[], districts bigint[],
  led_districts bigint[], officer_schools bigint[], owned bigint[], co_taught bigint[], helped bigint[],
  children bigint[], own_classrooms bigint[], factor_missing boolean
)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
declare
  found_session account_session;
  found_account account;
  officer_districts bigint[];
  schools_led bigint[];
  schools_watched bigint[];
  districts_around bigint[];
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
  factor_missing := must_have_factor(found_account.id) and not has_factor(found_account.id);
  founder := found_account.founder and not factor_missing;

  select coalesce(array_agg(m.district_id) filter (where m.role = 'leader' and m.district_id is not null), '{}'),
         coalesce(array_agg(m.district_id) filter (where m.role = 'privacy_officer' and m.district_id is not null), '{}'),
         coalesce(array_agg(m.school_id) filter (where m.role = 'leader' and m.school_id is not null), '{}'),
         coalesce(array_agg(m.school_id) filter (where m.role = 'teacher' and m.school_id is not null), '{}'),
         coalesce(array_agg(m.school_id) filter (where m.role = 'privacy_officer' and m.school_id is not null), '{}'),
         coalesce(array_agg(s.district_id) filter (where s.district_id is not null), '{}')
    into led_districts, officer_districts, schools_led, taught_schools, schools_watched, districts_around
    from membership m left join school s on s.id = m.school_id
   where m.account_id = found_account.id and not factor_missing;
  led_schools := schools_led || case when led_districts = '{}' then '{}' else array(
    select s.id from school s where s.district_id = any (led_districts) and s.id <> all (schools_led)) end;
  officer_schools := schools_watched || case when officer_districts = '{}' then '{}' else array(
    select s.id from school s where s.district_id = any (officer_districts) and s.id <> all (schools_watched)) end;
  schools := led_schools || taught_schools || officer_schools;
  districts := array(select distinct unnest(led_districts || officer_districts || districts_around));
  select coalesce(array_agg(t.classroom_id) filter (where t.role = 'owner'), '{}'),
         coalesce(array_agg(t.classroom_id) filter (where t.role = 'co_teacher'), '{}'),
         coalesce(array_agg(t.classroom_id) filter (where t.role = 'helper'), '{}')
    into owned, co_taught, helped
    from teaching_role t
   where t.account_id = found_account.id
     and t.school_id = any (taught_schools || led_schools);
  children := array(select g.student_id from guardian_link g
                     where g.account_id = found_account.id and g.status = 'approved' and not factor_missing);
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

revoke execute on function app.enter(bytea, timestamptz), app.second_factor(bigint),
  app.use_step(bigint, integer), app.use_recovery_code(bigint, bytea, timestamptz) from public;
grant execute on function app.enter(bytea, timestamptz), app.second_factor(bigint),
  app.use_step(bigint, integer), app.use_recovery_code(bigint, bytea, timestamptz) to backoffice_app;

-- Identity providers, and who is linked with them. A provider's row holds a sealed secret, so the web asks for
-- those that are in use by a function; links are seen by their owner alone.

do $$
declare
  t text;
begin
  foreach t in array array['identity_provider', 'account_identity', 'identity_offer'] loop
    execute format('alter table app.%I enable row level security', t);
    execute format('alter table app.%I force row level security', t);
    execute format('create policy owner on app.%I to backoffice_owner using (true) with check (true)', t);
    execute format('create policy system on app.%I to backoffice_system
                    using ((select app.purpose()) <> '''') with check ((select app.purpose()) <> '''')', t);
    execute format('grant select, insert, update, delete on app.%I to backoffice_system', t);
    execute format('grant usage on sequence app.%I to backoffice_system', t || '_id_seq');
  end loop;
end $$;

create policy app_own on app.account_identity to backoffice_app
  using (account_id = any ((select app.ids('account'))::bigint[]));
grant select, insert on app.account_identity to backoffice_app;
grant update (subject_digest, email, email_verified_at, linked_at) on app.account_identity to backoffice_app;
grant usage on sequence app.account_identity_id_seq to backoffice_app;

-- Of whoever a provider vouches for. Who has such an account, and with which link, is a worker's to say.
create policy app_insert on app.identity_offer for insert to backoffice_app
  with check (account_id is null and token_digest is null and used_at is null);
grant insert on app.identity_offer to backoffice_app;
grant usage on sequence app.identity_offer_id_seq to backoffice_app;

-- A leader says how the school's staff come in.
create policy app_write_sign_in on app.school for update to backoffice_app
  using (id = any ((select app.ids('led_schools'))::bigint[]) and kind = 'school');
grant update (sign_in_by, sign_in_from) on app.school to backoffice_app;
grant update (came_by, came_from) on app.account_session to backoffice_app;

alter table app.identity_provider alter column client_secret set statistics 0;
alter table app.account_identity alter column subject_digest set statistics 0, alter column email set statistics 0;
alter table app.identity_offer alter column subject_digest set statistics 0, alter column email set statistics 0,
  alter column email_index set statistics 0, alter column token_digest set statistics 0;

create function app.identity_providers()
returns table (
  id bigint, name text, title text, discovery_url text, client_id text, client_secret bytea, domain_claim text,
  verified_claim text
)
language sql stable security definer set search_path = app, pg_temp as $$
  select p.id, p.name, p.title, p.discovery_url, p.client_id, p.client_secret, p.domain_claim, p.verified_claim
    from identity_provider p where p.enabled order by p.id
$$;
comment on function app.identity_providers is 'The identity providers that people may sign in with.';

create function app.identity_account(of_provider bigint, digest bytea)
returns table (account_id bigint, email_index bytea, status text, security_epoch integer)
language sql stable security definer set search_path = app, pg_temp as $$
  select a.id, a.email_index, a.status, a.security_epoch
    from account_identity i
    join identity_provider p on p.id = i.provider_id and p.enabled
    join account a on a.id = i.account_id
   where i.provider_id = of_provider and i.subject_digest = digest
$$;
comment on function app.identity_account is
  'The account that somebody at a provider is linked with: by the subject alone, whatever their address.';

create function app.forget_identity(of_provider bigint) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  delete from account_identity i where i.provider_id = of_provider and i.account_id = any (ids('account'));
  return found;
end $$;
comment on function app.forget_identity is 'Unlinks the principal''s own account from a provider.';

create function app.open_identity_offer(digest bytea, at timestamptz)
returns table (offer_id bigint, account_id bigint, title text, email bytea)
language sql stable security definer set search_path = app, pg_temp as $$
  select o.id, a.id, p.title, o.email
    from identity_offer o
    join identity_provider p on p.id = o.provider_id and p.enabled
    join account a on a.id = o.account_id and a.email_index = o.email_index
   where o.token_digest = digest and o.used_at is null and o.expires_at > at
     and a.status = 'active' and a.security_epoch = o.security_epoch
$$;
comment on function app.open_identity_offer is
  'What a mailed link would link, while it may be used: once, in time, and not after a change of credentials.';

-- Of two who use one link at once the second waits for the first, and finds it used.
create function app.accept_identity_offer(digest bytea, at timestamptz, sealed_email bytea) returns bigint
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  it record;
begin
  perform from identity_offer o where o.token_digest = digest for update;
  select o.* into it from identity_offer o join open_identity_offer(digest, at) f on f.offer_id = o.id;
  if not found or exists (
      select from account_identity i where i.provider_id = it.provider_id
         and i.subject_digest = it.subject_digest and i.account_id <> it.account_id) then
    return null;
  end if;
  insert into account_identity as i (account_id, provider_id, subject_digest, email, email_verified_at, linked_at)
  values (it.account_id, it.provider_id, it.subject_digest, sealed_email, it.created_at, at)
  on conflict (account_id, provider_id) do update
     set subject_digest = excluded.subject_digest, email = excluded.email,
         email_verified_at = excluded.email_verified_at, linked_at = excluded.linked_at;
  update identity_offer set used_at = at where id = it.id;
  update account set security_epoch = security_epoch + 1 where id = it.account_id;
  return it.account_id;
end $$;
comment on function app.accept_identity_offer is
  'Uses a mailed link to link its account with who asked: older sessions and links are over.';

-- ------------------------------------------------------------------------- what a school asks of its staff

create function app.came_as_asked(at_school bigint, of_session bigint) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select not exists (
    select from school s join account_session c on c.id = of_session
     where s.id = at_school and s.sign_in_by is not null
       and (c.came_by is distinct from s.sign_in_by or c.came_from is distinct from s.sign_in_from))
$$;
comment on function app.came_as_asked is
  'Whether a session began as a school asks of its staff. A district''s leaders are of no school, and may always.';

create function app.schools_that_ask(of_session bigint)
returns table (school bytea, provider text, title text, domain text)
language sql stable security definer set search_path = app, pg_temp as $$
  select distinct on (s.id) s.name, s.sign_in_by, coalesce(p.title, s.sign_in_by), s.sign_in_from
    from account_session c
    join membership m on m.account_id = c.account_id
    join school s on s.id = m.school_id
    left join identity_provider p on p.name = s.sign_in_by
   where c.id = of_session and c.account_id = any (ids('account')) and not came_as_asked(s.id, c.id)
   order by s.id
$$;
comment on function app.schools_that_ask is
  'The schools of the principal that are closed to its session, because they ask for another way in.';

revoke execute on function app.identity_providers(), app.identity_account(bigint, bytea),
  app.forget_identity(bigint), app.open_identity_offer(bytea, timestamptz),
  app.accept_identity_offer(bytea, timestamptz, bytea), app.came_as_asked(bigint, bigint),
  app.schools_that_ask(bigint) from public;
grant execute on function app.identity_providers(), app.identity_account(bigint, bytea),
  app.forget_identity(bigint), app.open_identity_offer(bytea, timestamptz),
  app.accept_identity_offer(bytea, timestamptz, bytea), app.schools_that_ask(bigint) to backoffice_app;

-- As it was, but for `came_as_asked`: a school that asks for another way in is as if one were not of it.
create or replace function app.enter(digest bytea, at timestamptz)
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
   where m.account_id = found_account.id and not factor_missing
     and came_as_asked(m.school_id, found_session.id);
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

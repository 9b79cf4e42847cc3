-- Coming in as an account tells what its pages ask besides: each function beside it cost as much as a third of it.

-- With a result the database puts it in the place of its calls.
drop function app.set_ids(text, bigint[]);
create function app.set_ids(name text, ids bigint[]) returns text language sql as $$
  select set_config('app.' || name, coalesce(ids, '{}')::text, true)
$$;
revoke execute on function app.set_ids(text, bigint[]) from public;
grant execute on function app.set_ids(text, bigint[]) to backoffice_app, backoffice_system;

drop function app.enter(bytea, timestamptz);

create function app.enter(digest bytea, at timestamptz)
returns table (account_id bigint, session_id bigint, session_public_id text, account_public_id text, name bytea,
               time_zone text, language text, founder boolean, led_schools bigint[], schools bigint[],
               taught_schools bigint[], personal_schools bigint[], districts bigint[], led_districts bigint[],
               officer_schools bigint[], owned bigint[], co_taught bigint[], helped bigint[], children bigint[],
               own_classrooms bigint[], factor_missing boolean, unread integer, plugin_version integer)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
declare
  found_session account_session;
  found_account account;
  officer_districts bigint[];
  schools_led bigint[];
  schools_watched bigint[];
  districts_around bigint[];
  led text;
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
  language := found_account.language;
  factor_missing := must_have_factor(found_account.id) and not has_factor(found_account.id);
  founder := found_account.founder and not factor_missing;

  select coalesce(array_agg(m.district_id) filter (where m.role = 'leader' and m.district_id is not null), '{}'),
         coalesce(array_agg(m.district_id) filter (where m.role = 'privacy_officer' and m.district_id is not null), '{}'),
         coalesce(array_agg(m.school_id) filter (where m.role = 'leader' and m.school_id is not null), '{}'),
         coalesce(array_agg(m.school_id) filter (where m.role = 'teacher' and m.school_id is not null), '{}'),
         coalesce(array_agg(m.school_id) filter (where m.role = 'privacy_officer' and m.school_id is not null), '{}'),
         coalesce(array_agg(m.school_id) filter (where is_own(m, s.kind)), '{}'),
         coalesce(array_agg(s.district_id) filter (where s.district_id is not null), '{}')
    into led_districts, officer_districts, schools_led, taught_schools, schools_watched, personal_schools,
         districts_around
    from membership m left join school s on s.id = m.school_id
   where m.account_id = found_account.id and not factor_missing and s.erasing_since is null and m.suspended_at is null
     -- Only a school that asks for a way in is asked whether it was this one.
     and (s.sign_in_by is null or came_as_asked(m.school_id, found_session.id));
  led_schools := schools_led || case when led_districts = '{}' then '{}' else array(
    select s.id from school s where s.district_id = any (led_districts) and s.id <> all (schools_led) and s.erasing_since is null) end;
  officer_schools := schools_watched || case when officer_districts = '{}' then '{}' else array(
    select s.id from school s where s.district_id = any (officer_districts) and s.id <> all (schools_watched) and s.erasing_since is null) end;
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
                     where g.account_id = found_account.id and g.status = 'approved'
                       and not exists (select from school s where s.id = g.school_id and s.erasing_since is not null) and not factor_missing);
  own_classrooms := case when children = '{}' then '{}' else array(
    select e.classroom_id from enrollment e where e.student_id = any (children) and e.ended_at is null) end;

  perform set_ids('account', array[found_account.id]);
  -- Most who lead are nothing else, and a thousand numbers are not written thrice.
  led := led_schools;
  perform set_config('app.led_schools', led, true);
  perform set_config('app.schools', case when cardinality(schools) = cardinality(led_schools) then led
                                         else schools::text end, true);
  perform set_config('app.staffed_schools', case when taught_schools = '{}' then led
                                                 else (led_schools || taught_schools)::text end, true);
  perform set_ids('districts', districts);
  perform set_ids('classrooms', owned || co_taught || helped);
  perform set_ids('students', children);
  perform set_ids('own_classrooms', own_classrooms);
  perform set_config('app.founder', case when founder then 'yes' else '' end, true);

  unread := unread_messages(found_account.id);
  plugin_version := plugin_version();
  return next;
end $$;

revoke execute on function app.enter(bytea, timestamptz) from public;
grant execute on function app.enter(bytea, timestamptz) to backoffice_app;

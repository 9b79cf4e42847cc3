-- Everything is said in the language of whoever reads it: an account's own, a child's school's.

create function app.own_language() returns text
language sql stable security definer set search_path = app, pg_temp as $$
  select coalesce(
    (select a.language from account a where a.id = any (ids('account'))),
    (select h.language from student_session s join school h on h.id = s.school_id
      where s.id = any (ids('student_session'))))
$$;
comment on function app.own_language is 'The language of the principal: an account''s own, or that of a child''s school.';

revoke execute on function app.own_language() from public;
grant execute on function app.own_language() to backoffice_app, backoffice_system;

-- ---------------------------------------------------------------------------------------------- signing up

grant insert (language) on app.sign_up to backoffice_app;

-- Of two who use links to one address at once the second waits for the first's account, and makes none.
create or replace function app.sign_up(
  digest bytea, at timestamptz, id_outside text, sealed_email bytea, sealed_name bytea, hash text,
  school_outside text, sealed_school bytea)
returns table (account_id bigint, security_epoch integer, school_id bigint)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
declare
  it sign_up;
  made account;
begin
  -- All links to the address, in one order: whoever comes second finds none any more.
  perform from sign_up u where u.email_index = (select d.email_index from sign_up d where d.token_digest = digest)
    order by u.id for update;
  select u.* into it from sign_up u where u.token_digest = digest and u.expires_at > at;
  if it.id is null then return; end if;
  insert into account (public_id, email, email_index, name, founder, status, language, time_zone,
                       security_epoch, created_at)
  values (id_outside, sealed_email, it.email_index, sealed_name, false, 'active', it.language, it.time_zone, 1, at)
  on conflict (email_index) do update
     set name = excluded.name, status = 'active', language = excluded.language, time_zone = excluded.time_zone,
         security_epoch = account.security_epoch + 1
   where account.status = 'not_invited'
  returning * into made;
  if made.id is null then return; end if;
  -- A roster put it at schools of which nobody has asked it. What it teaches there waits for an invitation:
  -- without a membership it opens nothing.
  delete from membership m where m.account_id = made.id;
  insert into account_password (account_id, password_hash, set_at) values (made.id, hash, at);
  insert into school as s (public_id, kind, name, country, state, time_zone, language, school_days, created_at)
  values (school_outside, 'personal', sealed_school, it.country, it.state, it.time_zone, it.language,
          array['mon', 'tue', 'wed', 'thu', 'fri'], at)
  returning s.id into school_id;
  perform set_config('app.origin', 'sign-up', true);
  insert into membership (account_id, school_id, role, created_at) values (made.id, school_id, 'teacher', at);
  perform set_config('app.origin', '', true);
  delete from sign_up u where u.email_index = it.email_index;
  -- There is no principal yet, and the new school's trail begins here.
  perform set_ids('begun_in', array[school_id]);
  account_id := made.id;
  security_epoch := made.security_epoch;
  return next;
end $$;
comment on function app.sign_up is
  'Makes, for who has the link, an account with its first password and a school of its own. An account in use is left alone; one from a roster is opened without the roster''s schools.';

-- ------------------------------------------------------------------------------------------- a school's own

create function app.set_school_language(of_school bigint, new_language text) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  if not (of_school = any (ids('led_schools')) or of_school = any (personal_schools())) then
    return false;
  end if;
  update school s set language = new_language where s.id = of_school;
  return true;
end $$;
comment on function app.set_school_language is
  'Sets the language of a school that the principal leads, or of the own personal one.';
revoke execute on function app.set_school_language(bigint, text) from public;
grant execute on function app.set_school_language(bigint, text) to backoffice_app;

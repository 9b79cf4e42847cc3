-- Addresses that are still to be proved. The web writes them and makes no link: a worker does, and mails it.
-- What a link opens is done by the functions below.

do $$
declare
  t text;
begin
  foreach t in array array['sign_up', 'email_change'] loop
    execute format('alter table app.%I enable row level security', t);
    execute format('alter table app.%I force row level security', t);
    execute format('create policy owner on app.%I to backoffice_owner using (true) with check (true)', t);
    execute format('create policy system on app.%I to backoffice_system
                    using ((select app.purpose()) <> '''') with check ((select app.purpose()) <> '''')', t);
    execute format('grant select, insert, update, delete on app.%I to backoffice_system', t);
    execute format('grant usage on sequence app.%I to backoffice_app, backoffice_system', t || '_id_seq');
  end loop;
end $$;

create policy app_insert on app.sign_up for insert to backoffice_app with check (token_digest is null);
grant insert (id, email, email_index, name, country, state, time_zone, created_at, expires_at)
  on app.sign_up to backoffice_app;
alter table app.sign_up alter column email set statistics 0, alter column email_index set statistics 0,
  alter column name set statistics 0, alter column token_digest set statistics 0;

create policy app_read on app.email_change for select to backoffice_app
  using (account_id = any ((select app.ids('account'))::bigint[]));
create policy app_insert on app.email_change for insert to backoffice_app
  with check (account_id = any ((select app.ids('account'))::bigint[])
              and token_digest is null and take_back_digest is null and confirmed_at is null);
grant select on app.email_change to backoffice_app;
grant insert (id, account_id, email, email_index, old_email, old_email_index, security_epoch, created_at, expires_at)
  on app.email_change to backoffice_app;
alter table app.email_change alter column email set statistics 0, alter column email_index set statistics 0,
  alter column old_email set statistics 0, alter column old_email_index set statistics 0,
  alter column token_digest set statistics 0, alter column take_back_digest set statistics 0;

-- ---------------------------------------------------------------------------------------------- signing up

create function app.open_sign_up(digest bytea, at timestamptz)
returns table (email bytea, name bytea, country text, state text, time_zone text)
language sql stable security definer set search_path = app, pg_temp as $$
  select u.email, u.name, u.country, u.state, u.time_zone from sign_up u
   where u.token_digest = digest and u.expires_at > at
     and not exists (select from account a
                      where a.email_index = u.email_index and a.status <> 'not_invited')
$$;
comment on function app.open_sign_up is
  'What somebody wrote who wants an account, for who has the link; nothing once the address has one in use.';

-- Of two who use links to one address at once the second waits for the first's account, and makes none.
create function app.sign_up(
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
  values (id_outside, sealed_email, it.email_index, sealed_name, false, 'active', 'en', it.time_zone, 1, at)
  on conflict (email_index) do update
     set name = excluded.name, status = 'active', time_zone = excluded.time_zone,
         security_epoch = account.security_epoch + 1
   where account.status = 'not_invited'
  returning * into made;
  if made.id is null then return; end if;
  -- A roster put it at schools of which nobody has asked it. What it teaches there waits for an invitation:
  -- without a membership it opens nothing.
  delete from membership m where m.account_id = made.id;
  insert into account_password (account_id, password_hash, set_at) values (made.id, hash, at);
  insert into school as s (public_id, kind, name, country, state, time_zone, language, school_days, created_at)
  values (school_outside, 'personal', sealed_school, it.country, it.state, it.time_zone, 'en',
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

-- ------------------------------------------------------------------------------------------ another address

create function app.change_address(digest bytea, at timestamptz, sealed_email bytea) returns bigint
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  it email_change;
begin
  select c.* into it from email_change c join account a on a.id = c.account_id
   where c.token_digest = digest and c.account_id = any (ids('account')) and c.confirmed_at is null
     and c.expires_at > at and c.security_epoch = a.security_epoch
     for update;
  if it.id is null then return null; end if;
  begin
    update account a set email = sealed_email, email_index = it.email_index where a.id = it.account_id;
  exception when unique_violation then
    return null;
  end;
  -- Who runs the domain of the old address still has the account there that was linked.
  delete from account_identity i where i.account_id = it.account_id;
  update email_change c set confirmed_at = at where c.id = it.id;
  return it.id;
end $$;
comment on function app.change_address is
  'Gives the principal''s account the address to which the link was mailed; nothing if another account has it.';

create function app.open_take_back(digest bytea, at timestamptz) returns bytea
language sql stable security definer set search_path = app, pg_temp as $$
  select c.old_email from email_change c
   where c.take_back_digest = digest and c.confirmed_at > at - interval '7 days'
$$;
comment on function app.open_take_back is
  'The address before, for who has the link that was mailed to it: a week, and whatever was changed since.';

create function app.take_back_address(digest bytea, at timestamptz, sealed_email bytea) returns bigint
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  it email_change;
begin
  select c.* into it from email_change c join account a on a.id = c.account_id
   where c.take_back_digest = digest and c.confirmed_at > at - interval '7 days'
     for update;
  if it.id is null then return null; end if;
  begin
    update account a
       set email = sealed_email, email_index = it.old_email_index, security_epoch = a.security_epoch + 1,
           status = case when a.status = 'suspended' or a.status = 'dormant' and a.founder then a.status
                         else 'locked' end,
           deactivated_at = null
     where a.id = it.account_id;
  exception when unique_violation then
    -- The address belongs to another account by now. Nobody gets in; people sort it out.
    update account a set security_epoch = a.security_epoch + 1, status = 'suspended' where a.id = it.account_id;
  end;
  -- Later changes were made by whoever should not have; nor can they be taken back in turn.
  delete from email_change c where c.account_id = it.account_id and c.id >= it.id;
  insert into account_letter (kind, account_id, created_at) values ('locked', it.account_id, at);
  return it.account_id;
end $$;
comment on function app.take_back_address is
  'Gives an account its address of before and locks it: all its sessions are over, and only that mailbox opens it.';

-- ------------------------------------------------------------------------------------------------- the end

create function app.students_of_nobody_else() returns bigint
language sql stable security definer set search_path = app, pg_temp as $$
  select count(distinct e.student_id) from enrollment e
    join school s on s.id = e.school_id and s.kind = 'personal'
    join teaching_role t on t.school_id = e.school_id and t.classroom_id = e.classroom_id
                        and t.role = 'owner' and t.account_id = any (ids('account'))
   where e.ended_at is null and not exists (
     select from enrollment o
       join teaching_role other on other.school_id = o.school_id and other.classroom_id = o.classroom_id
                               and other.role <> 'helper' and other.account_id <> all (ids('account'))
      where o.school_id = e.school_id and o.student_id = e.student_id and o.ended_at is null)
$$;
comment on function app.students_of_nobody_else is
  'How many students of the principal''s own school are in no other teacher''s class. A number and no row.';

create function app.deactivate(at timestamptz) returns text
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  own account;
begin
  -- Leaders of one school who go at once come one after the other, and so do founders. Schools before accounts, as
  -- where somebody's place is ended.
  perform from district d where d.id in (
    select m.district_id from membership m where m.account_id = any (ids('account')) and m.role = 'leader')
    order by d.id for no key update;
  perform from school s where s.id in (
    select m.school_id from membership m where m.account_id = any (ids('account')) and m.role = 'leader')
    order by s.id for no key update;
  perform from account a where a.founder and exists (
    select from account me where me.id = any (ids('account')) and me.founder) order by a.id for no key update;
  select a.* into own from account a
   where a.id = any (ids('account')) and a.status = 'active' for no key update;
  if own.id is null then return 'ended'; end if;
  if own.founder and not exists (
      select from account a where a.founder and a.status = 'active' and a.id <> own.id) then
    return 'last_founder';
  end if;
  if exists (
      select from membership m left join school s on s.id = m.school_id
       where m.account_id = own.id and m.role = 'leader' and not exists (
         select from membership o join account a on a.id = o.account_id and a.status = 'active'
          where o.role = 'leader' and o.account_id <> own.id
            and (o.school_id = m.school_id or o.district_id = coalesce(m.district_id, s.district_id)))) then
    return 'last_leader';
  end if;
  -- A class that nobody runs any more lets no child in.
  update classroom c set door = 'closed', door_until = null
    from teaching_role t, school s
   where t.account_id = own.id and t.role = 'owner' and s.id = t.school_id and s.kind = 'personal'
     and c.school_id = t.school_id and c.id = t.classroom_id and c.door <> 'closed';
  update classroom_code k set ended_at = at
    from teaching_role t, school s
   where t.account_id = own.id and t.role = 'owner' and s.id = t.school_id and s.kind = 'personal'
     and k.school_id = t.school_id and k.classroom_id = t.classroom_id and k.ended_at is null;
  update account a set status = 'deactivated', deactivated_at = at, security_epoch = a.security_epoch + 1
   where a.id = own.id;
  return 'done';
end $$;
comment on function app.deactivate is
  'Closes the principal''s own account: its sessions and links are over, as are the codes of its own school. Not the last founder''s nor a place''s last leader''s.';

-- --------------------------------------------------------------------------------------------- vouchers

-- Whoever signs up has a school. Its voucher must be worth nothing where other schools' codes are guessed.
drop function app.begin_student_session(
  bytea, text, uuid, timestamptz, integer, integer, timestamptz, bytea);

create function app.begin_student_session(
  index_of_code bytea, student text, token uuid, at timestamptz, idle_shared integer, idle_own integer,
  until timestamptz, from_address bytea)
returns table (session_id bigint, school_id bigint, idle_minutes integer, vouches boolean)
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
  select s.kind <> 'personal' into vouches from school s where s.id = school_id;
  -- There is no principal yet, and the school's trail is to say that a child came in.
  perform set_ids('begun_in', array[school_id]);
  return next;
end $$;

revoke execute on function app.open_sign_up(bytea, timestamptz),
  app.sign_up(bytea, timestamptz, text, bytea, bytea, text, text, bytea),
  app.change_address(bytea, timestamptz, bytea), app.open_take_back(bytea, timestamptz),
  app.take_back_address(bytea, timestamptz, bytea), app.students_of_nobody_else(), app.deactivate(timestamptz),
  app.begin_student_session(bytea, text, uuid, timestamptz, integer, integer, timestamptz, bytea) from public;
grant execute on function app.open_sign_up(bytea, timestamptz),
  app.sign_up(bytea, timestamptz, text, bytea, bytea, text, text, bytea),
  app.change_address(bytea, timestamptz, bytea), app.open_take_back(bytea, timestamptz),
  app.take_back_address(bytea, timestamptz, bytea), app.students_of_nobody_else(), app.deactivate(timestamptz)
  to backoffice_app;
grant execute on function
  app.begin_student_session(bytea, text, uuid, timestamptz, integer, integer, timestamptz, bytea)
  to backoffice_app, backoffice_system;

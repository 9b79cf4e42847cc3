-- Looking after accounts: suspensions, resets of lost second factors, what a school requires, idle staff, and the
-- list of what founders are to look at. Founders see no account: what they need of one is told by functions.

do $$
declare
  t text;
begin
  foreach t in array array['suspension', 'factor_reset', 'security_event'] loop
    execute format('alter table app.%I enable row level security', t);
    execute format('alter table app.%I force row level security', t);
    execute format('create policy owner on app.%I to backoffice_owner using (true) with check (true)', t);
    execute format('create policy system on app.%I to backoffice_system
                    using ((select app.purpose()) <> '''') with check ((select app.purpose()) <> '''')', t);
    execute format('grant select, insert, update, delete on app.%I to backoffice_system', t);
    execute format('grant usage on sequence app.%I_id_seq to backoffice_system', t);
  end loop;
end $$;

create policy app_read on app.suspension for select to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[]));
create policy app_read on app.factor_reset for select to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[]));
create policy app_read on app.security_event for select to backoffice_app using ((select app.is_founder()));
-- What is closed stays so.
create policy app_write on app.security_event for update to backoffice_app
  using ((select app.is_founder()) and closed_at is null)
  with check ((select app.is_founder()) and closed_by = any ((select app.ids('account'))::bigint[]));
grant select on app.suspension, app.factor_reset, app.security_event to backoffice_app;
grant update (closed_at, closed_by, note) on app.security_event to backoffice_app;
alter table app.suspension alter column reason set statistics 0;
alter table app.factor_reset alter column token_digest set statistics 0;
alter table app.security_event alter column note set statistics 0;

create policy app_write on app.school for update to backoffice_app
  using (id = any ((select app.ids('led_schools'))::bigint[]) and kind = 'school');
grant update (factor_required) on app.school to backoffice_app;

-- ------------------------------------------------------------------------------------- a suspended place

-- One condition of the function that lets people in, whatever else it says by now.
do $$
declare
  said text := pg_get_functiondef('app.enter(bytea, timestamptz)'::regprocedure);
  place constant text := 'where m.account_id = found_account.id and not factor_missing';
begin
  if position(place in said) = 0 then
    raise exception 'app.enter does not read memberships as this migration expects.';
  end if;
  execute replace(said, place, place || ' and m.suspended_at is null');
end $$;

create or replace function app.works_at(account bigint, school bigint) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select exists (select from membership m where m.account_id = account and m.school_id = school
                    and m.suspended_at is null)
$$;

create function app.leads(of_account bigint, school bigint) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select exists (select from membership m join school s on s.id = school
                  where m.account_id = of_account and m.role = 'leader' and m.suspended_at is null
                    and (m.school_id = s.id or m.district_id = s.district_id))
$$;
comment on function app.leads is 'Whether an account leads a school, itself or as part of its district.';

-- An invitation is worth what whoever sent it is, and opens no place that is suspended.
create function app.stands(it app.invitation) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select exists (select from account a where a.id = it.invited_by and a.status = 'active')
     and leads(it.invited_by, it.school_id)
     and not exists (select from suspension s join account a on a.id = s.account_id
                      where a.email_index = it.email_index and s.school_id = it.school_id)
$$;
do $$
declare
  said text;
  open_still constant text := 'i.withdrawn_at is null and i.expires_at > at';
  named text;
begin
  foreach named in array array['open_invitation', 'use_invitation'] loop
    said := pg_get_functiondef(format('app.%I(bytea, timestamptz)', named)::regprocedure);
    if position(open_still in said) = 0 then
      raise exception 'app.% does not tell open invitations as this migration expects.', named;
    end if;
    said := replace(said, open_still, open_still || ' and stands(i)');
    -- The school before the invitation, as where somebody's place is ended.
    said := replace(said, '  select i.* into it from invitation i', '  perform from school s join invitation i on i.school_id = s.id where i.token_digest = digest for key share of s;
  select i.* into it from invitation i');
    execute said;
  end loop;
end $$;

create function app.set_aside(of_account bigint, school bigint, whole_account boolean, why bytea, moment timestamptz)
returns void
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  insert into suspension (account_id, school_id, whole, was, reason, suspended_by, suspended_at)
  select a.id, school, whole_account,
         coalesce((select s.was from suspension s where s.account_id = a.id and s.whole limit 1), a.status),
         why, (ids('account'))[1], moment
    from account a where a.id = of_account;
  update account a set security_epoch = a.security_epoch + 1,
                       status = case when whole_account then 'suspended' else a.status end
   where a.id = of_account;
end $$;

-- An account is as it was before, once nothing suspends the whole of it any more.
create function app.set_back(of_account bigint, was text) returns void
language sql security definer set search_path = app, pg_temp as $$
  update account a set status = was
   where a.id = of_account and a.status = 'suspended' and was is not null
     and not exists (select from suspension s where s.account_id = of_account and s.whole)
$$;

create function app.suspend_account(account_outside text, why bytea, at timestamptz) returns bigint
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  own bigint := (ids('account'))[1];
  found_account bigint;
begin
  if not is_founder() then return null; end if;
  -- Founders who suspend each other come one after the other, and the second is none any more.
  perform from account a where a.founder or a.public_id = account_outside order by a.id for update;
  select a.id into found_account from account a
   where a.public_id = account_outside and a.id <> own
     and a.status in ('active', 'locked', 'dormant', 'suspended')
     and not exists (select from suspension s where s.account_id = a.id and s.school_id is null)
     and exists (select from account me where me.id = own and me.status = 'active');
  if found_account is null then return null; end if;
  perform set_aside(found_account, null, true, why, at);
  insert into account_letter (kind, account_id, created_at) values ('suspended', found_account, at);
  return found_account;
end $$;
comment on function app.suspend_account is
  'A founder suspends an account: it is out at once and does not get in. Not the own one.';

create function app.reinstate_account(account_outside text, at timestamptz) returns bigint
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  found_account bigint;
  before text;
begin
  if not is_founder() then return null; end if;
  select a.id into found_account from account a
   where a.public_id = account_outside and a.status = 'suspended' for update;
  if found_account is null then return null; end if;
  select s.was into before from suspension s where s.account_id = found_account and s.whole limit 1;
  -- Two claim its address: that is sorted out by people, and not by a button.
  if before is null then return null; end if;
  delete from suspension s where s.account_id = found_account and s.school_id is null;
  -- A place that its school has suspended stays so.
  update suspension s set whole = false where s.account_id = found_account;
  perform set_back(found_account, before);
  insert into account_letter (kind, account_id, created_at) values ('reinstated', found_account, at);
  return found_account;
end $$;
comment on function app.reinstate_account is 'A founder ends the suspension of an account.';

create function app.suspend_place(school bigint, of_account bigint, why bytea, at timestamptz) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  own bigint := (ids('account'))[1];
  whole boolean;
  address bytea;
begin
  if school <> all (ids('led_schools')) or of_account = own then return null; end if;
  -- Leaders who do several things to one place come one after the other, as in app.end_place.
  perform from school s where s.id = school for update;
  select a.email_index into address from account a
   where a.id = of_account and not a.founder and a.status <> 'not_invited' for update;
  if not found or leads(of_account, school)
     or not exists (select from membership m where m.account_id = of_account and m.school_id = school)
     or exists (select from suspension s where s.account_id = of_account and s.school_id = school) then
    return null;
  end if;
  -- The whole account only where the place is all that it has: nothing of anybody else's is taken away.
  whole := not exists (select from membership m
                        where m.account_id = of_account and m.school_id is distinct from school
                          and m.suspended_at is null)
       and not exists (select from guardian_link g where g.account_id = of_account);
  update membership m set suspended_at = at where m.account_id = of_account and m.school_id = school;
  update invitation i set withdrawn_at = at, token_digest = null
   where i.school_id = school and i.email_index = address and i.accepted_at is null and i.withdrawn_at is null;
  perform set_aside(of_account, school, whole, why, at);
  return whole;
end $$;
comment on function app.suspend_place is
  'A leader suspends what somebody is at a school, at once; tells whether the account has nothing else and is suspended with it.';

create function app.free_place(school bigint, of_account bigint) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  before text;
begin
  perform from school s where s.id = school for update;
  perform from account a where a.id = of_account for update;
  select s.was into before from suspension s where s.account_id = of_account and s.whole limit 1;
  delete from suspension s where s.account_id = of_account and s.school_id = school;
  if not found then return false; end if;
  update membership m set suspended_at = null where m.account_id = of_account and m.school_id = school;
  -- There is something else to it again: no other school's suspension holds the whole account.
  update suspension s set whole = false where s.account_id = of_account and s.school_id is not null;
  perform set_back(of_account, before);
  return true;
end $$;

create function app.reinstate_place(school bigint, of_account bigint) returns boolean
language sql security definer set search_path = app, pg_temp as $$
  select school = any (ids('led_schools')) and of_account <> all (ids('account')) and free_place(school, of_account)
$$;
comment on function app.reinstate_place is 'A leader ends the suspension of somebody''s place at a school.';

-- A place that has ended is no longer suspended.
create function app.place_has_ended() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  perform free_place(old.school_id, old.account_id)
    where not exists (select from membership m where m.account_id = old.account_id and m.school_id = old.school_id);
  return null;
end $$;
create trigger place_has_ended after delete on app.membership
  for each row when (old.suspended_at is not null) execute function app.place_has_ended();

-- --------------------------------------------------------------------------------- what founders see of one

-- A teacher's is the school's leader's to reset, where there is one.
create function app.founders_reset(of_account bigint) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select exists (select from account a where a.id = of_account and a.founder)
      or exists (select from membership m where m.account_id = of_account and m.role = 'leader')
      or not exists (select from membership m join school s on s.id = m.school_id
                      where m.account_id = of_account and m.role = 'teacher' and s.kind = 'school')
$$;
create function app.account_in_care(account_outside text, index_of_email bytea)
returns table (
  account_id bigint, public_id text, status text, last_active_at timestamptz, has_factor boolean, roles text[],
  reset_asked_at timestamptz, may_reset boolean
)
language sql stable security definer set search_path = app, pg_temp as $$
  select a.id, a.public_id, a.status, a.last_active_at, has_factor(a.id),
         array(select 'founder' where a.founder
               union all select distinct m.role from membership m where m.account_id = a.id
               union all select 'parent' where exists (
                 select from guardian_link g where g.account_id = a.id and g.status = 'approved')),
         (select r.asked_at from factor_reset r where r.account_id = a.id and r.state = 'waiting'),
         has_factor(a.id) and a.id <> all (ids('account')) and founders_reset(a.id)
    from account a
   where is_founder() and (a.public_id = account_outside or a.email_index = index_of_email)
$$;
comment on function app.account_in_care is
  'What a founder sees of the account with this identifier or exact address: no name, no address, no school.';

-- -------------------------------------------------------------------------------- resets of lost factors

create function app.ask_factor_reset(account_outside text, school bigint, at timestamptz) returns bigint
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  own bigint := (ids('account'))[1];
  found_account bigint;
begin
  select a.id into found_account from account a
   where a.public_id = account_outside and a.id <> own and a.status in ('active', 'locked', 'dormant')
     and has_factor(a.id)
     and case when school is null then is_founder() and founders_reset(a.id)
              else school = any (ids('led_schools')) and not a.founder
                and exists (select from membership m where m.account_id = a.id and m.school_id = school
                               and m.role = 'teacher')
                and not exists (select from membership m where m.account_id = a.id and m.role = 'leader') end;
  if found_account is null then return null; end if;
  insert into factor_reset (account_id, school_id, asked_by, state, asked_at)
  values (found_account, school, own, 'waiting', at)
  on conflict (account_id) where state = 'waiting' do nothing;
  if not found then return null; end if;
  insert into account_letter (kind, account_id, created_at) values ('reset_asked', found_account, at);
  return found_account;
end $$;
comment on function app.ask_factor_reset is
  'Begins the reset of a lost second factor: a leader a teacher''s, a founder one that no leader can. Its owner is told and can refuse.';

create function app.end_factor_reset(of_account bigint, ending text, at timestamptz) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  asker bigint;
begin
  update factor_reset r set state = ending, ended_at = at
   where r.account_id = of_account and r.state = 'waiting' returning r.asked_by into asker;
  if not found then return false; end if;
  if asker is not null then
    insert into account_letter (kind, account_id, created_at) values ('reset_' || ending, asker, at);
  end if;
  return true;
end $$;
comment on function app.end_factor_reset is 'Ends a waiting reset, and has whoever asked for it told.';

create function app.reset_to_refuse(digest bytea) returns bigint
language sql stable security definer set search_path = app, pg_temp as $$
  select r.account_id from factor_reset r where r.token_digest = digest and r.state = 'waiting'
$$;
comment on function app.reset_to_refuse is 'The account whose waiting reset this link refuses.';

create function app.refuse_factor_reset(digest bytea, at timestamptz) returns bigint
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  found_account bigint := reset_to_refuse(digest);
begin
  if not end_factor_reset(found_account, 'refused', at) then return null; end if;
  return found_account;
end $$;
comment on function app.refuse_factor_reset is 'Stops a reset by the link of its mail.';

-- Whoever uses the factor has not lost it.
create function app.factor_was_used() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  perform end_factor_reset(new.account_id, 'cancelled', case tg_table_name
    when 'account_second_factor' then to_timestamp((to_jsonb(new) ->> 'last_step')::bigint * 30)
    when 'account_passkey' then (to_jsonb(new) ->> 'last_used_at')::timestamptz
    else (to_jsonb(new) ->> 'used_at')::timestamptz end);
  return null;
end $$;
create trigger factor_was_used after update of last_step on app.account_second_factor
  for each row when (new.last_step > old.last_step) execute function app.factor_was_used();
create trigger factor_was_used after update of last_used_at on app.account_passkey
  for each row when (new.last_used_at is not null) execute function app.factor_was_used();
create trigger factor_was_used after update of used_at on app.account_recovery_code
  for each row when (old.used_at is null and new.used_at is not null) execute function app.factor_was_used();

create function app.forget_factors_of(of_account bigint) returns void
language sql security definer set search_path = app, pg_temp as $$
  delete from account_recovery_code c where c.account_id = of_account;
  delete from account_passkey p where p.account_id = of_account;
  delete from account_second_factor f where f.account_id = of_account
$$;
comment on function app.forget_factors_of is 'Takes away every second factor of an account, of whatever kind.';

-- ---------------------------------------------------------------------------- what a school requires

create or replace function app.must_have_factor(of_account bigint) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select exists (select from account a where a.id = of_account and a.founder)
      or exists (select from membership m join school s on s.id = m.school_id
                  where m.account_id = of_account and m.role in ('leader', 'teacher') and m.suspended_at is null
                    and s.factor_required)
      or exists (select from membership m join school s on s.district_id = m.district_id and s.factor_required
                  where m.account_id = of_account and m.role = 'leader')
$$;

create function app.factor_asked_by() returns table (school bytea)
language sql stable security definer set search_path = app, pg_temp as $$
  select null from account a where a.id = any (ids('account')) and a.founder
  union all
  select s.name from membership m join school s on s.factor_required
     and (s.id = m.school_id or s.district_id = m.district_id and m.role = 'leader')
   where m.account_id = any (ids('account')) and m.role in ('leader', 'teacher') and m.suspended_at is null
$$;
comment on function app.factor_asked_by is
  'Who requires a second factor of the principal: schools by their sealed names, and null for the company.';

-- ------------------------------------------------------------------------------------ dormant accounts

-- A founder who was idle comes back by somebody at the server alone.
create or replace function app.open_account_link(of_purpose text, digest bytea, at timestamptz) returns bigint
language sql stable security definer set search_path = app, pg_temp as $$
  select l.account_id from account_link l join account a on a.id = l.account_id
   where l.token_digest = digest and l.purpose = of_purpose and l.used_at is null and l.expires_at > at
     -- Whoever has broken in can change credentials, and must not end by it what shuts them out.
     and (a.security_epoch = l.security_epoch or of_purpose = 'not_me')
     and (a.status in ('active', 'locked') or a.status = 'dormant' and of_purpose = 'reset' and not a.founder
          or a.status = 'suspended' and of_purpose = 'not_me')
$$;

-- Whoever suspends or closes the account at this moment is waited for, and the link opens nothing then.
create or replace function app.use_account_link(of_purpose text, digest bytea, at timestamptz) returns bigint
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  found_account bigint;
begin
  perform from account_link l where l.token_digest = digest for update;
  perform hold_account((select l.account_id from account_link l where l.token_digest = digest));
  found_account := open_account_link(of_purpose, digest, at);
  update account_link set used_at = at where token_digest = digest and found_account is not null;
  return found_account;
end $$;

-- What was added since may be the intruder's, and would outlive every new password.
create function app.forget_added_since(of_account bigint, moment timestamptz) returns void
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  since constant timestamptz := moment - interval '1 minute';
begin
  perform hold_account(of_account);
  delete from account_passkey p where p.account_id = of_account and p.created_at >= since;
  delete from account_second_factor f where f.account_id = of_account and f.set_at >= since;
  update account_second_factor f set pending = null where f.account_id = of_account;
  delete from account_identity i where i.account_id = of_account and i.linked_at >= since;
  -- Nobody knows who has seen them.
  delete from account_recovery_code c where c.account_id = of_account;
end $$;
comment on function app.forget_added_since is
  'Takes away every factor and link with a provider that an account got since a moment, and all recovery codes.';

-- The oldest address that the account was moved away from since.
create function app.address_before(digest bytea, at timestamptz) returns bytea
language sql stable security definer set search_path = app, pg_temp as $$
  select c.old_email from email_change c join account_link l on l.account_id = c.account_id
   where l.token_digest = digest and c.confirmed_at >= l.created_at - interval '1 minute'
     and open_account_link('not_me', digest, at) is not null
   order by c.confirmed_at limit 1
$$;
comment on function app.address_before is 'The sealed address that "this was not me" gives back to an account, if it was moved.';

drop function app.lock_account(bytea, timestamptz);
create function app.lock_account(digest bytea, at timestamptz, sealed_email bytea) returns bigint
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  found_account bigint := use_account_link('not_me', digest, at);
  since timestamptz;
  moved email_change;
begin
  if found_account is null then return null; end if;
  select l.created_at into since from account_link l where l.token_digest = digest;
  perform forget_added_since(found_account, since);
  update suspension s set was = 'locked' where s.account_id = found_account and s.was = 'active';
  -- A founder whose only factor was new comes back by the server: a mailbox alone is no way around two factors.
  update account a
     set security_epoch = a.security_epoch + 1,
         status = case when a.status = 'suspended' then a.status
                       when a.founder and not has_factor(a.id) then 'dormant' else 'locked' end
   where a.id = found_account;
  select c.* into moved from email_change c
   where c.account_id = found_account and c.confirmed_at >= since - interval '1 minute'
   order by c.confirmed_at limit 1;
  if moved.id is not null then
    begin
      update account a set email = sealed_email, email_index = moved.old_email_index where a.id = found_account;
    exception when unique_violation then
      -- As where an address is taken back: nobody gets in, and people sort it out.
      update account a set status = 'suspended' where a.id = found_account;
    end;
    delete from email_change c where c.account_id = found_account and c.id >= moved.id;
  end if;
  insert into account_letter (kind, account_id, created_at) values ('locked', found_account, at);
  return found_account;
end $$;
comment on function app.lock_account is
  'Uses a link to lock an account: all its sessions and what was added since are over, an address that was moved is given back, and only its mailbox opens it again.';
revoke execute on function app.lock_account(bytea, timestamptz, bytea), app.address_before(bytea, timestamptz)
  from public;
grant execute on function app.lock_account(bytea, timestamptz, bytea), app.address_before(bytea, timestamptz)
  to backoffice_app;

do $$
declare
  said text := pg_get_functiondef('app.take_back_address(bytea, timestamptz, bytea)'::regprocedure);
  place constant text := '  delete from email_change c where c.account_id = it.account_id';
begin
  if position(place in said) = 0 then
    raise exception 'app.take_back_address does not end changes as this migration expects.';
  end if;
  execute replace(said, place,
    '  perform forget_added_since(it.account_id, it.created_at);
  update suspension s set was = ''locked'' where s.account_id = it.account_id and s.was = ''active'';
' || place);
end $$;

-- ----------------------------------------------------------------------------------- what is to be looked at

create function app.open_security_event(of_kind text, of_account bigint, id_outside text, at timestamptz)
returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  insert into security_event (public_id, kind, account_id, account_public_id, opened_at)
  select id_outside, of_kind, a.id, a.public_id, at from account a where a.id = of_account
  on conflict (account_id, kind) where closed_at is null do nothing;
  return found;
end $$;
comment on function app.open_security_event is
  'Opens an event about an account for founders to look at; one of a kind is open at a time.';

revoke execute on function app.leads(bigint, bigint), app.set_aside(bigint, bigint, boolean, bytea, timestamptz),
  app.set_back(bigint, text), app.suspend_account(text, bytea, timestamptz),
  app.reinstate_account(text, timestamptz), app.suspend_place(bigint, bigint, bytea, timestamptz),
  app.free_place(bigint, bigint), app.reinstate_place(bigint, bigint), app.place_has_ended(),
  app.account_in_care(text, bytea), app.founders_reset(bigint), app.ask_factor_reset(text, bigint, timestamptz),
  app.end_factor_reset(bigint, text, timestamptz), app.reset_to_refuse(bytea),
  app.refuse_factor_reset(bytea, timestamptz), app.factor_was_used(), app.forget_factors_of(bigint), app.forget_added_since(bigint, timestamptz),
  app.stands(app.invitation),
  app.factor_asked_by(), app.open_security_event(text, bigint, text, timestamptz) from public;
grant execute on function app.suspend_account(text, bytea, timestamptz), app.reinstate_account(text, timestamptz),
  app.suspend_place(bigint, bigint, bytea, timestamptz), app.reinstate_place(bigint, bigint),
  app.account_in_care(text, bytea), app.ask_factor_reset(text, bigint, timestamptz), app.reset_to_refuse(bytea),
  app.refuse_factor_reset(bytea, timestamptz), app.factor_asked_by() to backoffice_app;
grant execute on function app.open_security_event(text, bigint, text, timestamptz)
  to backoffice_app, backoffice_system;
grant execute on function app.end_factor_reset(bigint, text, timestamptz), app.forget_factors_of(bigint)
  to backoffice_system;

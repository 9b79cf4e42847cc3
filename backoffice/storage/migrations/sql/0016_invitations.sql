-- Invitations. Leaders see and send those of their schools; the token is made by the worker that mails it, and
-- known to nobody who is asked. Accepting is for who has the link, through the functions below.

alter table app.invitation enable row level security;
alter table app.invitation force row level security;
create policy owner on app.invitation to backoffice_owner using (true) with check (true);
create policy system on app.invitation to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');
create policy app_read on app.invitation for select to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[]));
create policy app_insert on app.invitation for insert to backoffice_app
  with check (school_id = any ((select app.ids('led_schools'))::bigint[])
              and invited_by = any ((select app.ids('account'))::bigint[])
              and token_digest is null and accepted_at is null and withdrawn_at is null);
-- What has been accepted or withdrawn stays so, and no link is put in place of the mailed one.
create policy app_write on app.invitation for update to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         and accepted_at is null and withdrawn_at is null)
  with check (school_id = any ((select app.ids('led_schools'))::bigint[]) and token_digest is null);

grant select on app.invitation to backoffice_app;
grant insert (school_id, id, public_id, email, email_index, name, role, classroom_id, invited_by, created_at,
              expires_at) on app.invitation to backoffice_app;
grant update (token_digest, expires_at, withdrawn_at, invited_by) on app.invitation to backoffice_app;
grant select, insert, update, delete on app.invitation to backoffice_system;
grant usage on sequence app.invitation_id_seq to backoffice_app, backoffice_system;
alter table app.invitation alter column email set statistics 0, alter column email_index set statistics 0,
  alter column name set statistics 0, alter column token_digest set statistics 0;

-- ------------------------------------------------------------------------------------------- by the link

create function app.open_invitation(digest bytea, at timestamptz)
returns table (
  school_id bigint, id bigint, role text, email bytea, name bytea, school bytea, classroom bytea, inviter bytea,
  account_public_id text, account_status text
)
language sql stable security definer set search_path = app, pg_temp as $$
  select i.school_id, i.id, i.role, i.email, i.name, s.name, c.name, b.name, a.public_id, a.status
    from invitation i
    join school s on s.id = i.school_id
    left join classroom c on c.school_id = i.school_id and c.id = i.classroom_id
    left join account b on b.id = i.invited_by
    left join account a on a.email_index = i.email_index
   where i.token_digest = digest and i.accepted_at is null and i.withdrawn_at is null and i.expires_at > at
$$;
comment on function app.open_invitation is
  'What an invitation says to who has its link, which is who has the mailbox: and so whether there is an account.';

-- Of two who use one link at once the second waits here for the first, and finds it used.
create function app.use_invitation(digest bytea, at timestamptz) returns app.invitation
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  it invitation;
begin
  select i.* into it from invitation i
   where i.token_digest = digest and i.accepted_at is null and i.withdrawn_at is null and i.expires_at > at
     for update;
  return it;
end $$;

create function app.take_place(it app.invitation, of_account bigint, moment timestamptz) returns void
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  insert into membership (account_id, school_id, role, created_at)
  values (of_account, it.school_id, case when it.role = 'leader' then 'leader' else 'teacher' end, moment)
  on conflict do nothing;
  if it.classroom_id is not null then
    -- A class changes hands now and not before; whoever has owned it co-teaches it.
    update teaching_role t set role = 'co_teacher'
     where it.role = 'owner' and t.school_id = it.school_id and t.classroom_id = it.classroom_id
       and t.role = 'owner' and t.account_id <> of_account;
    -- Whoever is more in the class already stays so.
    insert into teaching_role as t (school_id, classroom_id, account_id, role)
    values (it.school_id, it.classroom_id, of_account, it.role)
    on conflict (school_id, classroom_id, account_id) do update set role = excluded.role
       where t.role = 'helper' or excluded.role = 'owner';
  end if;
  update invitation i set accepted_at = moment where i.school_id = it.school_id and i.id = it.id;
  -- The school's trail is to say so, and the principal was not of the school a moment ago.
  perform set_ids('begun_in', array[it.school_id]);
end $$;

create function app.accept_invitation(digest bytea, at timestamptz)
returns table (school_id bigint, invitation_id bigint)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
declare
  it invitation := use_invitation(digest, at);
  own bigint;
begin
  select a.id into own from account a where a.id = any (ids('account')) and a.email_index = it.email_index;
  if own is null then return; end if;
  perform take_place(it, own, at);
  return query select it.school_id, it.id;
end $$;
comment on function app.accept_invitation is
  'Gives the principal the place that it was invited to: only if the invitation is for its own address.';

create function app.accept_invitation_anew(
  digest bytea, at timestamptz, id_outside text, sealed_email bytea, sealed_name bytea, hash text)
returns table (school_id bigint, invitation_id bigint, account_id bigint, security_epoch integer)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
declare
  it invitation := use_invitation(digest, at);
  made account;
begin
  if it.id is null then return; end if;
  insert into account (public_id, email, email_index, name, founder, status, language, time_zone,
                       security_epoch, created_at)
  select id_outside, sealed_email, it.email_index, sealed_name, false, 'active', s.language, s.time_zone, 1, at
    from school s where s.id = it.school_id
  on conflict (email_index) do update
     set name = excluded.name, status = 'active', security_epoch = account.security_epoch + 1
   where account.status = 'not_invited'
  returning * into made;
  if made.id is null then return; end if;
  insert into account_password (account_id, password_hash, set_at) values (made.id, hash, at);
  -- What other schools' rosters say of it, those schools have not asked for.
  delete from membership m where m.account_id = made.id and m.school_id is distinct from it.school_id;
  perform take_place(it, made.id, at);
  return query select it.school_id, it.id, made.id, made.security_epoch;
end $$;
comment on function app.accept_invitation_anew is
  'Makes an account, or the one that a roster made its owner''s, with a first password, and gives it the place. An account in use is left alone.';

-- ---------------------------------------------------------------------------------------------- the end

create function app.end_place(school bigint, of_account bigint, heir bigint, at timestamptz)
returns table (places integer, classes integer)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
declare
  own bigint := (ids('account'))[1];
  address bytea;
begin
  -- Leaders who end each other's places, and heirs who leave meanwhile, come one after the other.
  perform from school s where s.id = school for update;
  if of_account = own or school <> all (ids('led_schools')) then return; end if;
  heir := coalesce(heir, own);
  if heir = of_account or (heir <> own and not works_at(heir, school)) then return; end if;

  delete from teaching_role t using teaching_role gone
   where gone.school_id = school and gone.account_id = of_account and gone.role = 'owner'
     and t.school_id = school and t.classroom_id = gone.classroom_id and t.account_id = heir;
  update teaching_role t set account_id = heir
   where t.school_id = school and t.account_id = of_account and t.role = 'owner';
  get diagnostics classes = row_count;
  delete from teaching_role t where t.school_id = school and t.account_id = of_account;
  get diagnostics places = row_count;
  places := places + classes;
  with gone as (
    delete from membership m where m.school_id = school and m.account_id = of_account returning m.id)
  select places + count(*) into places from gone;
  if places = 0 then return; end if;
  update account a set security_epoch = a.security_epoch + 1 where a.id = of_account
  returning a.email_index into address;
  update invitation i set withdrawn_at = at, token_digest = null
   where i.school_id = school and i.email_index = address and i.accepted_at is null and i.withdrawn_at is null;
  return next;
end $$;
comment on function app.end_place is
  'A leader ends what somebody is at a school: roles, sessions and open invitations. Owned classes go to a colleague there or the leader.';

revoke execute on function app.open_invitation(bytea, timestamptz), app.use_invitation(bytea, timestamptz),
  app.take_place(app.invitation, bigint, timestamptz), app.accept_invitation(bytea, timestamptz),
  app.accept_invitation_anew(bytea, timestamptz, text, bytea, bytea, text),
  app.end_place(bigint, bigint, bigint, timestamptz) from public;
grant execute on function app.open_invitation(bytea, timestamptz), app.accept_invitation(bytea, timestamptz),
  app.accept_invitation_anew(bytea, timestamptz, text, bytea, bytea, text),
  app.end_place(bigint, bigint, bigint, timestamptz) to backoffice_app;

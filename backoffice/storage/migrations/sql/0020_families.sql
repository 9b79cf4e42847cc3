-- Families: how a parent is asked, how a link to a child begins and ends, and who has opened a child's record.
-- Whoever teaches the child, or leads its school, sees and decides; a parent sees what is their own.

do $$
declare
  t text;
begin
  foreach t in array array['guardian_invitation', 'student_view'] loop
    execute format('alter table app.%I enable row level security', t);
    execute format('alter table app.%I force row level security', t);
    execute format('create policy owner on app.%I to backoffice_owner using (true) with check (true)', t);
    execute format('create policy system on app.%I to backoffice_system
                    using ((select app.purpose()) <> '''') with check ((select app.purpose()) <> '''')', t);
    execute format('grant select, insert, update, delete on app.%I to backoffice_system', t);
  end loop;
end $$;

-- ------------------------------------------------------------------------------------------ invitations

create policy app_read on app.guardian_invitation for select to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or student_id = any ((select app.taught())::bigint[]));
create policy app_insert on app.guardian_invitation for insert to backoffice_app
  with check ((school_id = any ((select app.ids('led_schools'))::bigint[])
               or student_id = any ((select app.taught())::bigint[]))
              and invited_by = any ((select app.ids('account'))::bigint[])
              and token_digest is null and accepted_at is null and withdrawn_at is null);
-- What has been accepted or withdrawn stays so, and no link is put in place of the mailed one.
create policy app_write on app.guardian_invitation for update to backoffice_app
  using ((school_id = any ((select app.ids('led_schools'))::bigint[])
          or student_id = any ((select app.taught())::bigint[]))
         and accepted_at is null and withdrawn_at is null)
  with check ((school_id = any ((select app.ids('led_schools'))::bigint[])
               or student_id = any ((select app.taught())::bigint[]))
              and token_digest is null and code is null);

grant select on app.guardian_invitation to backoffice_app;
grant insert (school_id, id, public_id, student_id, email, email_index, name, code, code_digest, invited_by,
              created_at, expires_at) on app.guardian_invitation to backoffice_app;
grant update (token_digest, code, withdrawn_at) on app.guardian_invitation to backoffice_app;
grant usage on sequence app.guardian_invitation_id_seq to backoffice_app, backoffice_system;
alter table app.guardian_invitation alter column email set statistics 0, alter column email_index set statistics 0,
  alter column name set statistics 0, alter column token_digest set statistics 0, alter column code set statistics 0,
  alter column code_digest set statistics 0;

create function app.open_guardian_invitation(digest bytea, at timestamptz)
returns table (
  by_code boolean, email bytea, name bytea, school bytea, given_name bytea, inviter bytea,
  account_public_id text, account_status text
)
language sql stable security definer set search_path = app, pg_temp as $$
  select mailed.yes is not true, case when mailed.yes then i.email end, case when mailed.yes then i.name end,
         s.name, p.given_name, b.name, a.public_id, a.status
    from guardian_invitation i
   cross join lateral (select i.token_digest = digest as yes) mailed
    join school s on s.id = i.school_id
    join student p on p.school_id = i.school_id and p.id = i.student_id
    left join account b on b.id = i.invited_by
    left join account a on mailed.yes and a.email_index = i.email_index
   where (i.token_digest = digest or i.code_digest = digest)
     and i.accepted_at is null and i.withdrawn_at is null and i.expires_at > at
$$;
comment on function app.open_guardian_invitation is
  'What an invitation says to who has its link or its letter. Of the address it speaks to the mailbox alone.';

-- Of two who use one invitation at once the second waits here for the first, and finds it used.
create function app.use_guardian_invitation(digest bytea, at timestamptz) returns app.guardian_invitation
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  it guardian_invitation;
begin
  select i.* into it from guardian_invitation i
   where (i.token_digest = digest or i.code_digest = digest)
     and i.accepted_at is null and i.withdrawn_at is null and i.expires_at > at
     for update;
  return it;
end $$;

create function app.ask_for_child(
  it app.guardian_invitation, of_account bigint, sealed_name bytea, id_outside text, moment timestamptz)
returns void
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  -- A parent who was refused or who left asks anew; one who waits or is approved stays so.
  insert into guardian_link as g (school_id, public_id, student_id, account_id, name, status, created_at)
  values (it.school_id, id_outside, it.student_id, of_account, sealed_name, 'waiting', moment)
  on conflict (school_id, student_id, account_id) do update
     set status = 'waiting', name = excluded.name, created_at = excluded.created_at, approved_by = null,
         approved_at = null, ended_at = null, told = null
   where g.status in ('refused', 'revoked');
  update guardian_invitation i set accepted_at = moment, code = null
   where i.school_id = it.school_id and i.id = it.id;
  -- The school's trail is to say so, and the principal was not of the school a moment ago.
  perform set_ids('begun_in', array[it.school_id]);
end $$;

create function app.accept_guardian_invitation(
  digest bytea, at timestamptz, sealed_name bytea, id_outside text)
returns table (school_id bigint, invitation_id bigint)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
declare
  it guardian_invitation := use_guardian_invitation(digest, at);
  own bigint;
begin
  select a.id into own from account a
   where a.id = any (ids('account')) and (it.code_digest = digest or a.email_index = it.email_index);
  if own is null then return; end if;
  perform ask_for_child(it, own, sealed_name, id_outside, at);
  return query select it.school_id, it.id;
end $$;
comment on function app.accept_guardian_invitation is
  'The principal asks to follow a child: with a printed letter, or a mailed invitation to its own address.';

create function app.accept_guardian_invitation_anew(
  digest bytea, at timestamptz, account_outside text, sealed_email bytea, sealed_account_name bytea, hash text,
  sealed_name bytea, id_outside text)
returns table (school_id bigint, invitation_id bigint, account_id bigint, security_epoch integer)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
declare
  it guardian_invitation := use_guardian_invitation(digest, at);
  made account;
begin
  -- By the mailbox alone: a letter proves no address.
  if it.id is null or it.token_digest is distinct from digest then return; end if;
  insert into account (public_id, email, email_index, name, founder, status, language, time_zone,
                       security_epoch, created_at)
  select account_outside, sealed_email, it.email_index, sealed_account_name, false, 'active', s.language,
         s.time_zone, 1, at
    from school s where s.id = it.school_id
  on conflict (email_index) do nothing
  returning * into made;
  if made.id is null then return; end if;
  insert into account_password (account_id, password_hash, set_at) values (made.id, hash, at);
  perform ask_for_child(it, made.id, sealed_name, id_outside, at);
  return query select it.school_id, it.id, made.id, made.security_epoch;
end $$;
comment on function app.accept_guardian_invitation_anew is
  'Makes a parent''s account, and asks to follow the child. An account that is there is left alone.';

create function app.address_guardian_letter(
  digest bytea, at timestamptz, sealed_email bytea, index_of_email bytea, sealed_name bytea)
returns table (school_id bigint, invitation_id bigint)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
begin
  update guardian_invitation i
     set email = sealed_email, email_index = index_of_email, name = sealed_name, token_digest = null
   where i.code_digest = digest and i.accepted_at is null and i.withdrawn_at is null and i.expires_at > at
  returning i.school_id, i.id into school_id, invitation_id;
  if not found then return; end if;
  perform set_ids('begun_in', array[school_id]);
  return next;
end $$;
comment on function app.address_guardian_letter is
  'Has the link of a printed letter mailed to the address that its holder gives, and to no earlier one.';

-- ------------------------------------------------------------------------------------------------ links

alter table app.guardian_link alter column name set statistics 0;
-- Nobody decides about themselves, whatever else they are; a parent may always go.
create policy app_write on app.guardian_link for update to backoffice_app
  using (account_id = any ((select app.ids('account'))::bigint[])
         or school_id = any ((select app.ids('led_schools'))::bigint[])
         or student_id = any ((select app.taught())::bigint[]))
  with check (case when account_id = any ((select app.ids('account'))::bigint[]) then status = 'revoked'
                   else (school_id = any ((select app.ids('led_schools'))::bigint[])
                         or student_id = any ((select app.taught())::bigint[]))
                    and (status <> 'approved' or approved_by = any ((select app.ids('account'))::bigint[])) end);
grant update (status, approved_by, approved_at, ended_at, told) on app.guardian_link to backoffice_app;

-- ---------------------------------------------------------------------------------- who opened a record

-- Written by who opens it, about themselves and now; read by the child's own parents.
create policy app_insert on app.student_view for insert to backoffice_app
  with check (viewer_id = any ((select app.ids('account'))::bigint[])
              and (school_id = any ((select app.ids('led_schools'))::bigint[])
                   or student_id = any ((select app.taught())::bigint[]))
              and app.was_here(at));
create policy app_read on app.student_view for select to backoffice_app
  using (student_id = any ((select app.ids('students'))::bigint[]) and (select app.ids('account')) <> '{}');
grant select, insert on app.student_view to backoffice_app;
grant usage on sequence app.student_view_id_seq to backoffice_app, backoffice_system;

create function app.names_of_viewers() returns table (account_id bigint, name bytea)
language sql stable security definer set search_path = app, pg_temp as $$
  select a.id, a.name from account a
   where ids('account') <> '{}'
     and a.id in (select v.viewer_id from student_view v where v.student_id = any (ids('students')))
$$;
comment on function app.names_of_viewers is
  'What those are called who have opened the record of one of the principal''s own children.';

revoke execute on function app.open_guardian_invitation(bytea, timestamptz),
  app.use_guardian_invitation(bytea, timestamptz),
  app.ask_for_child(app.guardian_invitation, bigint, bytea, text, timestamptz),
  app.accept_guardian_invitation(bytea, timestamptz, bytea, text),
  app.accept_guardian_invitation_anew(bytea, timestamptz, text, bytea, bytea, text, bytea, text),
  app.address_guardian_letter(bytea, timestamptz, bytea, bytea, bytea), app.names_of_viewers() from public;
grant execute on function app.open_guardian_invitation(bytea, timestamptz),
  app.accept_guardian_invitation(bytea, timestamptz, bytea, text),
  app.accept_guardian_invitation_anew(bytea, timestamptz, text, bytea, bytea, text, bytea, text),
  app.address_guardian_letter(bytea, timestamptz, bytea, bytea, bytea), app.names_of_viewers()
  to backoffice_app;

-- ------------------------------------------------------------------------------------ where a grant is from

-- Noted by the database, whatever the application says: a row that came past all its ways has no origin.
create function app.note_origin() returns trigger language plpgsql set search_path = app, pg_temp as $$
begin
  new.origin := case
    when coalesce(current_setting('app.origin', true), '') <> '' then current_setting('app.origin', true)
    when purpose() <> '' then purpose()
    when session_user = 'backoffice_app' then 'console'
  end;
  return new;
end $$;
comment on function app.note_origin is 'Notes by which of the ways into a school or class somebody came.';
revoke execute on function app.note_origin() from public;

create trigger note_origin before insert or update of account_id, school_id, district_id, role on app.membership
  for each row execute function app.note_origin();
create trigger note_origin before insert or update of account_id, role on app.teaching_role
  for each row execute function app.note_origin();

create or replace function app.take_place(it app.invitation, of_account bigint, moment timestamptz) returns void
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  perform set_config('app.origin', 'invitation', true);
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
  perform set_config('app.origin', '', true);
  update invitation i set accepted_at = moment where i.school_id = it.school_id and i.id = it.id;
  -- The school's trail is to say so, and the principal was not of the school a moment ago.
  perform set_ids('begun_in', array[it.school_id]);
end $$;

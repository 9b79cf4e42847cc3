-- Letters about accounts, and the links that they carry. The web writes letters and reads none; a link is used
-- by who has it, through the functions below, and seen by nobody but workers.

do $$
declare
  t text;
begin
  foreach t in array array['account_letter', 'account_link'] loop
    execute format('alter table app.%I enable row level security', t);
    execute format('alter table app.%I force row level security', t);
    execute format('create policy owner on app.%I to backoffice_owner using (true) with check (true)', t);
    execute format('create policy system on app.%I to backoffice_system
                    using ((select app.purpose()) <> '''') with check ((select app.purpose()) <> '''')', t);
    execute format('grant select, insert, update, delete on app.%I to backoffice_system', t);
  end loop;
end $$;

-- Of an address that somebody typed, or to oneself.
create policy app_insert on app.account_letter for insert to backoffice_app
  with check (account_id is null or account_id = any ((select app.ids('account'))::bigint[]));
grant insert on app.account_letter to backoffice_app;
grant usage on sequence app.account_letter_id_seq to backoffice_app, backoffice_system;
grant usage on sequence app.account_link_id_seq to backoffice_system;
alter table app.account_letter alter column email_index set statistics 0, alter column device set statistics 0;
alter table app.account_link alter column token_digest set statistics 0;

create function app.open_account_link(of_purpose text, digest bytea, at timestamptz) returns bigint
language sql stable security definer set search_path = app, pg_temp as $$
  select l.account_id from account_link l join account a on a.id = l.account_id
   where l.token_digest = digest and l.purpose = of_purpose and l.used_at is null and l.expires_at > at
     and a.security_epoch = l.security_epoch and a.status in ('active', 'locked')
$$;
comment on function app.open_account_link is
  'The account whose link this is, while it may be used: once, in time, and not after a change of credentials.';

-- Of two who use one link at once the second waits for the first, and finds it used.
create function app.use_account_link(of_purpose text, digest bytea, at timestamptz) returns bigint
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  found_account bigint;
begin
  perform from account_link l where l.token_digest = digest for update;
  found_account := open_account_link(of_purpose, digest, at);
  update account_link set used_at = at where token_digest = digest and found_account is not null;
  return found_account;
end $$;

create function app.reset_password(digest bytea, at timestamptz, hash text) returns bigint
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  found_account bigint := use_account_link('reset', digest, at);
begin
  if found_account is null then return null; end if;
  insert into account_password as p (account_id, password_hash, set_at) values (found_account, hash, at)
  on conflict (account_id) do update set password_hash = excluded.password_hash, set_at = excluded.set_at;
  update account set security_epoch = security_epoch + 1, status = 'active' where id = found_account;
  insert into account_letter (kind, account_id, created_at) values ('password_changed', found_account, at);
  return found_account;
end $$;
comment on function app.reset_password is
  'Uses a link to set a password: older sessions and links are over, a lock of the owner''s is undone.';

create function app.lock_account(digest bytea, at timestamptz) returns bigint
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  found_account bigint := use_account_link('not_me', digest, at);
begin
  if found_account is null then return null; end if;
  update account set security_epoch = security_epoch + 1, status = 'locked' where id = found_account;
  insert into account_letter (kind, account_id, created_at) values ('locked', found_account, at);
  return found_account;
end $$;
comment on function app.lock_account is
  'Uses a link to lock an account: all its sessions are over, and only its mailbox opens it again.';

revoke execute on function app.open_account_link(text, bytea, timestamptz),
  app.use_account_link(text, bytea, timestamptz), app.reset_password(bytea, timestamptz, text),
  app.lock_account(bytea, timestamptz) from public;
grant execute on function app.open_account_link(text, bytea, timestamptz),
  app.reset_password(bytea, timestamptz, text), app.lock_account(bytea, timestamptz) to backoffice_app;

-- Passkeys. Each is seen by its owner alone; before there is a principal, one is found and used through the
-- functions below. What an authenticator signs is checked by the program: the database keeps the count.

alter table app.account_passkey enable row level security;
alter table app.account_passkey force row level security;
create policy owner on app.account_passkey to backoffice_owner using (true) with check (true);
create policy system on app.account_passkey to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');
create policy app_own on app.account_passkey to backoffice_app
  using (account_id = any ((select app.ids('account'))::bigint[]));
grant select, insert, update, delete on app.account_passkey to backoffice_system;
grant select, insert on app.account_passkey to backoffice_app;
grant usage on sequence app.account_passkey_id_seq to backoffice_app, backoffice_system;
alter table app.account_passkey alter column credential_id set statistics 0,
  alter column public_key set statistics 0, alter column name set statistics 0;

create function app.passkeys_of(of_account bigint) returns table (credential_id bytea, transports text[])
language sql stable security definer set search_path = app, pg_temp as $$
  select p.credential_id, p.transports from account_passkey p where p.account_id = of_account order by p.id
$$;
comment on function app.passkeys_of is
  'What is looked for on a device once the password was right: names no passkey and holds no key.';

create function app.open_passkey(of_credential bytea)
returns table (
  passkey_id bigint, public_key bytea, account_id bigint, account_public_id text, email_index bytea, status text,
  security_epoch integer
)
language sql stable security definer set search_path = app, pg_temp as $$
  select p.id, p.public_key, a.id, a.public_id, a.email_index, a.status, a.security_epoch
    from account_passkey p join account a on a.id = p.account_id
   where p.credential_id = of_credential
$$;
comment on function app.open_passkey is 'What checks an answer of the passkey with this identifier, and whose it is.';

create function app.use_passkey(of_passkey bigint, count bigint, is_backed_up boolean, at timestamptz) returns text
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  it account_passkey;
begin
  perform hold_account((select p.account_id from account_passkey p where p.id = of_passkey));
  select p.* into it from account_passkey p where p.id = of_passkey for update;
  if not found then return 'gone'; end if;
  if (count > 0 or it.sign_count > 0) and count <= it.sign_count then
    insert into account_letter (kind, account_id, created_at) values ('passkey_copied', it.account_id, at);
    return 'copied';
  end if;
  update account_passkey p set sign_count = count, backed_up = is_backed_up, last_used_at = at
   where p.id = of_passkey;
  return 'used';
end $$;
comment on function app.use_passkey is
  'Notes that a passkey was used. A count that does not grow is that of a copy: nothing is noted, and its owner is told.';

-- The web deletes nothing by itself. Recovery codes stand in for the last factor, so they go with it.
create function app.forget_passkey(of_passkey bigint) returns void
language sql security definer set search_path = app, pg_temp as $$
  delete from account_passkey p where p.id = of_passkey and p.account_id = any (ids('account'));
  delete from account_recovery_code c where c.account_id = any (ids('account')) and not has_factor(c.account_id)
$$;
comment on function app.forget_passkey is
  'Deletes a passkey of the principal''s own account, and the recovery codes with the last factor.';

create or replace function app.forget_second_factor() returns void
language sql security definer set search_path = app, pg_temp as $$
  delete from account_second_factor f where f.account_id = any (ids('account'));
  delete from account_recovery_code c where c.account_id = any (ids('account')) and not has_factor(c.account_id)
$$;
comment on function app.forget_second_factor is
  'Deletes the app of the principal''s own account, and the recovery codes with the last factor.';

create or replace function app.has_factor(of_account bigint) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select exists (select from account_second_factor f where f.account_id = of_account and f.secret is not null)
      or exists (select from account_passkey p where p.account_id = of_account)
$$;

-- Nobody reads or writes this table itself.
alter table app.spent_challenge enable row level security;
alter table app.spent_challenge force row level security;
create policy owner on app.spent_challenge to backoffice_owner using (true) with check (true);

-- A challenge lives for minutes, and so does the memory that it was used.
create function app.spend_challenge(of_digest uuid, at timestamptz, until timestamptz) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  if until < at then return false; end if;
  delete from spent_challenge c where c.expires_at < at;
  insert into spent_challenge (digest, expires_at) values (of_digest, until) on conflict do nothing;
  return found;
end $$;
comment on function app.spend_challenge is 'Uses a challenge: of two who use one at once, the second finds it used.';

revoke execute on function app.passkeys_of(bigint), app.open_passkey(bytea),
  app.use_passkey(bigint, bigint, boolean, timestamptz), app.forget_passkey(bigint),
  app.spend_challenge(uuid, timestamptz, timestamptz) from public;
grant execute on function app.passkeys_of(bigint), app.open_passkey(bytea),
  app.use_passkey(bigint, bigint, boolean, timestamptz), app.forget_passkey(bigint),
  app.spend_challenge(uuid, timestamptz, timestamptz) to backoffice_app;

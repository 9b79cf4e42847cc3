-- Who is idle is for the system alone. Whoever holds the link of a warning keeps the account, and learns nothing else.

alter table plugin_retention.idle_account enable row level security;
alter table plugin_retention.idle_account force row level security;
create policy owner on plugin_retention.idle_account to backoffice_owner using (true) with check (true);
create policy system on plugin_retention.idle_account to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');

grant usage on schema plugin_retention to backoffice_app, backoffice_system;
grant select, insert, update, delete on plugin_retention.idle_account to backoffice_system;
grant select on plugin_retention.schema_version to backoffice_app;
alter table plugin_retention.idle_account alter column keep_digest set statistics 0;

create function plugin_retention.keep(digest bytea, at timestamptz) returns bigint
language plpgsql security definer set search_path = plugin_retention, app, pg_temp as $$
declare
  whose bigint;
begin
  -- Waits for whoever is about to end the account, and for whom this is too late.
  select a.id into whose from account a
   where a.id = (select i.account_id from idle_account i where i.keep_digest = digest)
     and a.status <> 'deactivated' for no key update;
  if whose is null then return null; end if;
  update idle_account i
     set used_at = at, due_at = null, told_days = null, told_at = null, keep_digest = null
   where i.account_id = whose and i.keep_digest = digest;
  return case when found then whose end;
end $$;
comment on function plugin_retention.keep is 'Counts the account as used to whose owner this link was mailed.';

create function plugin_retention.can_be_kept(digest bytea) returns boolean
language sql stable security definer set search_path = plugin_retention, app, pg_temp as $$
  select exists (select from idle_account i join account a on a.id = i.account_id
                  where i.keep_digest = digest and a.status <> 'deactivated')
$$;
comment on function plugin_retention.can_be_kept is 'Whether a link of a warning still keeps an account.';

revoke execute on function plugin_retention.keep(bytea, timestamptz), plugin_retention.can_be_kept(bytea) from public;
grant execute on function plugin_retention.keep(bytea, timestamptz), plugin_retention.can_be_kept(bytea)
  to backoffice_app, backoffice_system;

-- What founders have decided about plugins. Their names and whether they are on is no secret: every process
-- must know it before it shows a page to anybody.

alter table app.plugin_state enable row level security;
alter table app.plugin_state force row level security;
create policy owner on app.plugin_state to backoffice_owner using (true) with check (true);
create policy system on app.plugin_state to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');
create policy app_founder on app.plugin_state to backoffice_app
  using ((select app.is_founder())) with check ((select app.is_founder()));

create function app.plugin_version() returns integer
language sql stable security definer set search_path = app, pg_temp as $$
  select coalesce(sum(version), 0)::integer from plugin_state
$$;
comment on function app.plugin_version is
  'Grows with every change to a plugin. A sum over rows, so that it is seen exactly when the change is.';

create function app.plugin_toggles() returns table (name text, enabled boolean, changed_at timestamptz)
language sql stable security definer set search_path = app, pg_temp as $$
  select p.name, p.enabled, p.changed_at from plugin_state p
$$;

create function app.plugin_settings(plugin text) returns bytea
language sql stable security definer set search_path = app, pg_temp as $$
  select settings from plugin_state where name = plugin
$$;

create function app.other_founders()
returns table (account_id bigint, email bytea, name bytea, language text)
language sql stable security definer set search_path = app, pg_temp as $$
  select a.id, a.email, a.name, a.language from account a
   where is_founder() and a.founder and a.status = 'active' and a.id <> all (ids('account'))
$$;
comment on function app.other_founders is 'Whom a founder tells what the company''s staff must know together.';

grant select, insert on app.plugin_state to backoffice_app;
grant update (enabled, version, settings, reason, changed_at, changed_by) on app.plugin_state to backoffice_app;
grant usage on sequence app.plugin_state_id_seq to backoffice_app, backoffice_system;
grant select, insert, update, delete on app.plugin_state to backoffice_system;

create function app.estimated_rows(schema_name text)
returns table (table_name text, row_count bigint)
language sql stable security definer set search_path = app, pg_temp as $$
  select c.relname::text, nullif(c.reltuples, -1)::bigint
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where is_founder() and n.nspname = schema_name and c.relkind in ('r', 'p')
$$;
comment on function app.estimated_rows is 'About how much each table of a schema holds, for those who run it.';

revoke execute on function app.plugin_version(), app.plugin_toggles(), app.plugin_settings(text),
  app.other_founders(), app.estimated_rows(text) from public;
grant execute on function app.plugin_version(), app.plugin_toggles(), app.plugin_settings(text),
  app.other_founders(), app.estimated_rows(text) to backoffice_app, backoffice_system;

alter table app.plugin_state alter column settings set statistics 0, alter column reason set statistics 0;

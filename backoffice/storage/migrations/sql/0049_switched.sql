-- Saving settings moved the only moment that there was, so that a plugin seemed to be off since then.

grant update (switched_at) on app.plugin_state to backoffice_app;

-- By what is kept of who did what; what is off and was switched before that, by the last change of any kind.
update app.plugin_state s set switched_at = coalesce(
  (select max(h.at) from app.plugin_history h
    where h.plugin = s.name and h.done in ('switched on', 'switched off')),
  case when not s.enabled then s.changed_at end);

-- A process of the release before goes on asking for changed_at.
drop function app.plugin_toggles();
create function app.plugin_toggles()
returns table (name text, enabled boolean, changed_at timestamptz, switched_at timestamptz)
language sql stable security definer set search_path = app, pg_temp as $$
  select p.name, p.enabled, p.changed_at, p.switched_at from plugin_state p
$$;
revoke execute on function app.plugin_toggles() from public;
grant execute on function app.plugin_toggles() to backoffice_app, backoffice_system;

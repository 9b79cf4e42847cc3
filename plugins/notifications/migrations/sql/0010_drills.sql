-- Drills: which incidents are played and what comes in, for founders; what a drill scored is written once.

do $$
declare
  t text;
begin
  foreach t in array array['drill', 'drill_event'] loop
    execute format('alter table plugin_notifications.%I enable row level security', t);
    execute format('alter table plugin_notifications.%I force row level security', t);
    execute format('create policy owner on plugin_notifications.%I to backoffice_owner using (true) with check (true)', t);
    execute format('create policy system on plugin_notifications.%I to backoffice_system
                    using ((select app.purpose()) <> '''') with check ((select app.purpose()) <> '''')', t);
    execute format('create policy app_read on plugin_notifications.%I for select to backoffice_app
                    using ((select app.is_founder()))', t);
    execute format('grant select, insert, update, delete on plugin_notifications.%I to backoffice_system', t);
    execute format('grant select, insert on plugin_notifications.%I to backoffice_app', t);
    execute format('grant usage on sequence plugin_notifications.%I to backoffice_app, backoffice_system', t || '_id_seq');
  end loop;
end $$;

create function plugin_notifications.is_played(number bigint) returns boolean
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select exists (select from incident i
                  where i.id = number and i.is_drill and i.closed_at is null and is_founder())
$$;
comment on function plugin_notifications.is_played is 'Whether a founder may still write to an incident that is a drill.';
revoke execute on function plugin_notifications.is_played(bigint) from public;
grant execute on function plugin_notifications.is_played(bigint) to backoffice_app, backoffice_system;

create policy app_insert on plugin_notifications.drill for insert to backoffice_app
  with check (plugin_notifications.is_played(incident_id) and score is null);
create policy app_update on plugin_notifications.drill for update to backoffice_app
  using (plugin_notifications.is_played(incident_id) and score is null) with check (score is not null);
create policy app_insert on plugin_notifications.drill_event for insert to backoffice_app
  with check (plugin_notifications.is_played(incident_id) and answered_at is null and answered_by is null);
create policy app_update on plugin_notifications.drill_event for update to backoffice_app
  using (plugin_notifications.is_played(incident_id) and answered_at is null)
  with check (answered_at is not null and answered_by = any ((select app.ids('account'))::bigint[]));
grant update (score, parts) on plugin_notifications.drill to backoffice_app;
grant update (answered_at, answered_by, answer) on plugin_notifications.drill_event to backoffice_app;

alter table plugin_notifications.drill_event alter column answer set statistics 0;

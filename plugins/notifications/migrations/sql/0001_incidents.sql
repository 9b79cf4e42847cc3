-- Incidents: founders alone see and run them. The timeline grows, and nobody changes a line of it.

do $$
declare
  t text;
begin
  foreach t in array array['incident', 'timeline_entry', 'incident_task', 'concerned_school', 'given_notice'] loop
    execute format('alter table plugin_notifications.%I enable row level security', t);
    execute format('alter table plugin_notifications.%I force row level security', t);
    execute format('create policy owner on plugin_notifications.%I to backoffice_owner using (true) with check (true)', t);
    execute format('create policy system on plugin_notifications.%I to backoffice_system
                    using ((select app.purpose()) <> '''') with check ((select app.purpose()) <> '''')', t);
    execute format('create policy app_read on plugin_notifications.%I for select to backoffice_app
                    using ((select app.is_founder()))', t);
    execute format('grant select, insert, update, delete on plugin_notifications.%I to backoffice_system', t);
    execute format('grant usage on sequence plugin_notifications.%I to backoffice_app, backoffice_system', t || '_id_seq');
  end loop;
end $$;

create function plugin_notifications.is_open(number bigint) returns boolean
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select exists (select from incident i where i.id = number and i.closed_at is null and is_founder())
$$;
comment on function plugin_notifications.is_open is 'Whether a founder may still write to an incident.';

create function plugin_notifications.people_of(numbers bigint[])
  returns table (school_id bigint, students bigint, staff bigint, parents bigint)
language sql stable security definer set search_path = app, pg_temp as $$
  select s.id,
         (select count(*) from student t where t.school_id = s.id),
         (select count(distinct m.account_id) from membership m where m.school_id = s.id),
         (select count(distinct g.account_id) from guardian_link g where g.school_id = s.id)
    from school s where s.id = any (numbers) and is_founder()
$$;
comment on function plugin_notifications.people_of is
  'How many people schools have: numbers for a founder, and nobody''s name or row.';

-- In the own name, and closed by nobody from the start.
create policy app_insert on plugin_notifications.incident for insert to backoffice_app
  with check ((select app.is_founder()) and opened_by = any ((select app.ids('account'))::bigint[])
              and closed_at is null and closed_by is null and version = 0);
create policy app_update on plugin_notifications.incident for update to backoffice_app
  using ((select app.is_founder()) and closed_at is null)
  with check ((select app.is_founder())
              and (closed_at is null) = (closed_by is null)
              and (closed_by is null or closed_by = any ((select app.ids('account'))::bigint[])));
create policy app_insert on plugin_notifications.timeline_entry for insert to backoffice_app
  with check (plugin_notifications.is_open(incident_id)
              and written_by = any ((select app.ids('account'))::bigint[]));
create policy app_insert on plugin_notifications.incident_task for insert to backoffice_app
  with check (plugin_notifications.is_open(incident_id) and done_at is null and done_by is null);
create policy app_update on plugin_notifications.incident_task for update to backoffice_app
  using (plugin_notifications.is_open(incident_id) and done_at is null)
  with check (done_at is not null and done_by = any ((select app.ids('account'))::bigint[]));
create policy app_insert on plugin_notifications.concerned_school for insert to backoffice_app
  with check (plugin_notifications.is_open(incident_id) and school_id is not null
              and told_at is null and individuals_told_at is null and left_out_at is null);
create policy app_update on plugin_notifications.concerned_school for update to backoffice_app
  using (plugin_notifications.is_open(incident_id)) with check (plugin_notifications.is_open(incident_id));
create policy app_insert on plugin_notifications.given_notice for insert to backoffice_app
  with check (plugin_notifications.is_open(incident_id)
              and given_by = any ((select app.ids('account'))::bigint[]));

grant usage on schema plugin_notifications to backoffice_app, backoffice_system;
grant select, insert on plugin_notifications.incident, plugin_notifications.timeline_entry,
  plugin_notifications.incident_task, plugin_notifications.concerned_school, plugin_notifications.given_notice
  to backoffice_app;
grant update (what, systems, role, risk, kinds, encrypted, noticed_at, determined_at, confirmed_at, held_since,
              held_until, led_by, closed_at, closed_by, version) on plugin_notifications.incident to backoffice_app;
grant update (done_at, done_by) on plugin_notifications.incident_task to backoffice_app;
grant update (place, time_zone, students, staff, parents, told_at, individuals_told_at, left_out_at, late_reason)
  on plugin_notifications.concerned_school to backoffice_app;
grant select on plugin_notifications.schema_version to backoffice_app;
revoke execute on function plugin_notifications.is_open(bigint), plugin_notifications.people_of(bigint[]) from public;
grant execute on function plugin_notifications.is_open(bigint), plugin_notifications.people_of(bigint[])
  to backoffice_app, backoffice_system;

alter table plugin_notifications.incident alter column title set statistics 0, alter column what set statistics 0,
  alter column systems set statistics 0;
alter table plugin_notifications.timeline_entry alter column said set statistics 0, alter column reason set statistics 0;
alter table plugin_notifications.incident_task alter column said set statistics 0;
alter table plugin_notifications.concerned_school alter column late_reason set statistics 0;
alter table plugin_notifications.given_notice alter column late_reason set statistics 0;

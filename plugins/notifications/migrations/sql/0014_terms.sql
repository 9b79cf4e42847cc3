-- What contracts ask, of a district or of a school that differs from it: founders say it, in the own name.

alter table plugin_notifications.contract_terms enable row level security;
alter table plugin_notifications.contract_terms force row level security;
create policy owner on plugin_notifications.contract_terms to backoffice_owner using (true) with check (true);
create policy system on plugin_notifications.contract_terms to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');
create policy app_read on plugin_notifications.contract_terms for select to backoffice_app
  using ((select app.is_founder()));
create policy app_insert on plugin_notifications.contract_terms for insert to backoffice_app
  with check ((select app.is_founder()) and said_by = any ((select app.ids('account'))::bigint[]));
create policy app_update on plugin_notifications.contract_terms for update to backoffice_app
  using ((select app.is_founder()))
  with check ((select app.is_founder()) and said_by = any ((select app.ids('account'))::bigint[]));
create policy app_delete on plugin_notifications.contract_terms for delete to backoffice_app
  using ((select app.is_founder()));
grant select, insert, update, delete on plugin_notifications.contract_terms to backoffice_system;
grant select, insert, delete on plugin_notifications.contract_terms to backoffice_app;
grant update (rule, hours, start, said_at, said_by) on plugin_notifications.contract_terms to backoffice_app;
grant usage on sequence plugin_notifications.contract_terms_id_seq to backoffice_app, backoffice_system;

-- What was said last at an incident that was no drill, of each school.
insert into plugin_notifications.contract_terms (school_id, rule, hours, start, said_at)
select distinct on (c.school_id) c.school_id, c.contract_rule, c.contract_hours, c.contract_start, i.opened_at
  from plugin_notifications.concerned_school c join plugin_notifications.incident i on i.id = c.incident_id
 where not i.is_drill and c.contract_rule is not null and c.school_id is not null
 order by c.school_id, c.id desc;

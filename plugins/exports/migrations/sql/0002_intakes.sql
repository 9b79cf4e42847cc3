-- Whoever works at a school sees that an export was brought into it, and notes in the own name that one was.

alter table plugin_exports.intake enable row level security;
alter table plugin_exports.intake force row level security;
create policy owner on plugin_exports.intake to backoffice_owner using (true) with check (true);
create policy system on plugin_exports.intake to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');
create policy app_read on plugin_exports.intake for select to backoffice_app
  using (school_id = any ((select app.ids('staffed_schools'))::bigint[]));
create policy app_insert on plugin_exports.intake for insert to backoffice_app
  with check (school_id = any ((select app.ids('staffed_schools'))::bigint[])
              and taken_by = any ((select app.ids('account'))::bigint[]));

grant select, insert on plugin_exports.intake to backoffice_app;
grant select, insert, update, delete on plugin_exports.intake to backoffice_system;
grant usage on sequence plugin_exports.intake_id_seq to backoffice_app, backoffice_system;
alter table plugin_exports.intake alter column mark set statistics 0;

-- What founders did with plugins is theirs to read. A line is written with what was done, and never changed.

alter table app.plugin_history enable row level security;
alter table app.plugin_history force row level security;
create policy owner on app.plugin_history to backoffice_owner using (true) with check (true);
create policy system on app.plugin_history to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');
create policy app_reads on app.plugin_history for select to backoffice_app using ((select app.is_founder()));
create policy app_writes on app.plugin_history for insert to backoffice_app
  with check ((select app.is_founder()) and done_by = any ((select app.ids('account'))::bigint[]) and not at_server);

grant select, insert on app.plugin_history to backoffice_app;
grant select, insert, update, delete on app.plugin_history to backoffice_system;
grant usage on sequence app.plugin_history_id_seq to backoffice_app, backoffice_system;
alter table app.plugin_history alter column reason set statistics 0;

-- What was written is for workers alone: nobody who manages a subscription, and no founder, needs to read when.

alter table plugin_billing.reminder enable row level security;
alter table plugin_billing.reminder force row level security;
create policy owner on plugin_billing.reminder to backoffice_owner using (true) with check (true);
create policy system on plugin_billing.reminder to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');
grant select, insert, update, delete on plugin_billing.reminder to backoffice_system;
grant usage on sequence plugin_billing.reminder_id_seq to backoffice_system;

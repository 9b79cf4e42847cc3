-- A large change is whoever asked for it: nobody else sees it, and the web changes nothing of it but how it ends.

alter table app.large_change enable row level security;
alter table app.large_change force row level security;
create policy owner on app.large_change to backoffice_owner using (true) with check (true);
create policy system on app.large_change to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');
create policy app_read on app.large_change for select to backoffice_app
  using (account_id = any ((select app.ids('account'))::bigint[]));
create policy app_insert on app.large_change for insert to backoffice_app
  with check (account_id = any ((select app.ids('account'))::bigint[]) and state = 'waiting'
              and exists (select from app.account_session s
                           where s.id = session_id and s.account_id = large_change.account_id));
-- Stopped by whoever asked, or done by the verb that a worker calls as them.
create policy app_write on app.large_change for update to backoffice_app
  using (account_id = any ((select app.ids('account'))::bigint[]) and state in ('waiting', 'changing'))
  with check (account_id = any ((select app.ids('account'))::bigint[]) and state in ('stopped', 'done'));

grant select, insert on app.large_change to backoffice_app;
grant update (state, count, finished_at) on app.large_change to backoffice_app;
grant select, insert, update, delete on app.large_change to backoffice_system;
grant usage on sequence app.large_change_id_seq to backoffice_app, backoffice_system;
alter table app.large_change alter column asked set statistics 0, alter column fingerprint set statistics 0,
  alter column said set statistics 0;

-- What is done in many schools at once is noted by one statement: its details belong to all the entries that it made.
drop trigger note_entry on app.audit_entry;
create or replace function app.note_entry() returns trigger
language plpgsql set search_path = app, pg_temp as $$
begin
  perform set_ids('made_entry', array(select m.id from made m));
  return null;
end $$;
create trigger note_entry after insert on app.audit_entry referencing new table as made
  for each statement when (current_user = 'backoffice_app') execute function app.note_entry();

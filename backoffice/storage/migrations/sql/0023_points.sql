-- An award is the staff's of its class: children and parents see their own entries, not with whom they came.

alter table app.point_award enable row level security;
alter table app.point_award force row level security;
create policy owner on app.point_award to backoffice_owner using (true) with check (true);
create policy system on app.point_award to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');
create policy app_read on app.point_award for select to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or classroom_id = any ((select app.ids('classrooms'))::bigint[]));
create policy app_insert on app.point_award for insert to backoffice_app
  with check ((school_id = any ((select app.ids('led_schools'))::bigint[])
               or classroom_id = any ((select app.ids('classrooms'))::bigint[]))
              and awarded_by = any ((select app.ids('account'))::bigint[]));
create policy app_write on app.point_award for update to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or classroom_id = any ((select app.ids('classrooms'))::bigint[]))
  with check (undone_by = any ((select app.ids('account'))::bigint[]));

create function app.stays_undone() returns trigger language plpgsql set search_path = app, pg_temp as $$
begin
  raise insufficient_privilege using message = 'What was taken back stays taken back.';
end $$;
revoke execute on function app.stays_undone() from public;
create trigger stays_undone before update of undone_at on app.point_award
  for each row when (old.undone_at is not null and new.undone_at is distinct from old.undone_at)
  execute function app.stays_undone();

grant select, insert on app.point_award to backoffice_app;
grant update (undone_at, undone_by) on app.point_award to backoffice_app;
grant select, insert, update, delete on app.point_award to backoffice_system;
grant usage on sequence app.point_award_id_seq to backoffice_app, backoffice_system;

create policy app_write on app.action for update to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or classroom_id = any ((select app.ids('classrooms'))::bigint[]));
grant update (label, icon, value, retired_at) on app.action to backoffice_app;

grant update (goal) on app.enrollment to backoffice_app;

-- A view that is shared with nobody is its owner's alone. One that is shared is its school's: leaders see and change
-- all of them, others see what is shared with them, and whoever has left the school no more, though it was theirs.

alter table app.saved_view enable row level security;
alter table app.saved_view force row level security;
create policy owner on app.saved_view to backoffice_owner using (true) with check (true);
create policy system on app.saved_view to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');
create policy app_read on app.saved_view for select to backoffice_app
  using ((school_id is null and account_id = any ((select app.ids('account'))::bigint[]))
         or school_id = any ((select app.ids('led_schools'))::bigint[])
         or (shared_with = 'teachers' and school_id = any ((select app.ids('staffed_schools'))::bigint[]))
         or (shared_with = 'school' and school_id = any ((select app.ids('schools'))::bigint[])));
create policy app_insert on app.saved_view for insert to backoffice_app
  with check (school_id is null and account_id = any ((select app.ids('account'))::bigint[]));
create policy app_write on app.saved_view for update to backoffice_app
  using ((school_id is null and account_id = any ((select app.ids('account'))::bigint[]))
         or school_id = any ((select app.ids('led_schools'))::bigint[]));

grant select, insert on app.saved_view to backoffice_app;
grant update (school_id, name, state, shared_with, is_default, pinned) on app.saved_view to backoffice_app;
grant select, insert, update, delete on app.saved_view to backoffice_system;
grant usage on sequence app.saved_view_id_seq to backoffice_app, backoffice_system;
alter table app.saved_view alter column name set statistics 0, alter column state set statistics 0;

-- The web deletes nothing by itself.
create function app.forget_saved_view(of_view bigint) returns void
language sql security definer set search_path = app, pg_temp as $$
  delete from saved_view v
   where v.id = of_view
     and ((v.school_id is null and v.account_id = any (ids('account')))
          or v.school_id = any (ids('led_schools')))
$$;
comment on function app.forget_saved_view is
  'Deletes a saved view that is the principal''s own, or of a school that it leads.';

-- What somebody shared is the school's and stays; what was theirs alone goes with them.
create function app.forget_own_views() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  delete from saved_view v where v.account_id = old.id and v.school_id is null;
  return old;
end $$;
comment on function app.forget_own_views is 'Deletes the views that only an account saw, before the account goes.';
create trigger forget_own_views before delete on app.account
  for each row execute function app.forget_own_views();

revoke execute on function app.forget_saved_view(bigint), app.forget_own_views() from public;
grant execute on function app.forget_saved_view(bigint) to backoffice_app;

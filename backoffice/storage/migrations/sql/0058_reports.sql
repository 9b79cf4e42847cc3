-- Reports: anybody writes one, signed in or not, and reads none; founders read and close them.

alter table app.report enable row level security;
alter table app.report force row level security;
create policy owner on app.report to backoffice_owner using (true) with check (true);
create policy system on app.report to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');
create policy app_read on app.report for select to backoffice_app using ((select app.is_founder()));
-- In nobody else's name, and as nothing that a founder has looked at.
create policy app_insert on app.report for insert to backoffice_app
  with check ((account_id is null or account_id = any ((select app.ids('account'))::bigint[]))
              and told_at is null and closed_at is null and closed_by is null and note is null
              and octet_length(said) <= 32768 and octet_length(mail) <= 1100000 is not false);
create policy app_close on app.report for update to backoffice_app
  using ((select app.is_founder()) and closed_at is null)
  with check ((select app.is_founder()) and closed_at is not null
              and closed_by = any ((select app.ids('account'))::bigint[]));

create function app.keep_reported_mail() returns trigger
language plpgsql set search_path = app, pg_temp as $$
begin
  -- Not to the system, which seals it anew when keys change.
  if current_user = 'backoffice_app' and new.mail is distinct from old.mail and new.mail is not null then
    raise insufficient_privilege using message = 'A mail that was reported is thrown away, and not changed.';
  end if;
  return new;
end $$;
comment on function app.keep_reported_mail is 'A mail that was reported is as it came, or gone.';
revoke execute on function app.keep_reported_mail() from public;
create trigger keep_reported_mail before update of mail on app.report
  for each row execute function app.keep_reported_mail();

grant select, insert on app.report to backoffice_app;
grant update (closed_at, closed_by, finding, note, mail) on app.report to backoffice_app;
grant select, insert, update, delete on app.report to backoffice_system;
grant usage on sequence app.report_id_seq to backoffice_app, backoffice_system;
alter table app.report alter column said set statistics 0, alter column contact set statistics 0,
  alter column mail set statistics 0, alter column note set statistics 0;

-- It names nobody, so that everybody may read it. The system alone writes it.

grant select on app.retention_run to backoffice_app;
grant select, insert, update on app.retention_run to backoffice_system;
grant usage on sequence app.retention_run_id_seq to backoffice_system;

create function app.let_retention_go_on(number bigint, at timestamptz) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update retention_run r set state = 'released', released_at = at
   where r.id = number and r.state = 'paused' and (is_founder() or purpose() <> '');
  return found;
end $$;
comment on function app.let_retention_go_on is
  'Lets a run that waits for a person take what it found. For founders, and at the server.';
revoke execute on function app.let_retention_go_on(bigint, timestamptz) from public;
grant execute on function app.let_retention_go_on(bigint, timestamptz) to backoffice_app, backoffice_system;

-- How old what is left there is can be told by whoever tells it of all else.
create policy system on app.throttle for select to backoffice_system using ((select app.purpose()) <> '');
grant select on app.throttle to backoffice_system;
create policy system on app.spent_challenge to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');
grant select, delete on app.spent_challenge to backoffice_system;

-- What was decided is everybody's to read, through the function below. Who decided it, and what waits to be
-- decided, is the founders'. One proposes in the own name and another confirms in the own name; what is decided
-- nobody of the web changes any more.

alter table app.policy_version enable row level security;
alter table app.policy_version force row level security;
create policy owner on app.policy_version to backoffice_owner using (true) with check (true);
create policy system on app.policy_version to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');
create policy app_reads on app.policy_version for select to backoffice_app using ((select app.is_founder()));
create policy app_proposes on app.policy_version for insert to backoffice_app
  with check ((select app.is_founder()) and state = 'waiting'
              and proposed_by = any ((select app.ids('account'))::bigint[]));
create policy app_decides on app.policy_version for update to backoffice_app
  using ((select app.is_founder()) and state = 'waiting')
  with check ((select app.is_founder())
              and (state in ('withdrawn', 'void')
                   or state = 'confirmed' and proposed_by is not null and confirmed_by <> proposed_by
                      and confirmed_by = any ((select app.ids('account'))::bigint[])));

grant select, insert on app.policy_version to backoffice_app;
grant update (state, confirmed_at, confirmed_by, ended_at, later) on app.policy_version to backoffice_app;
grant select, insert, update on app.policy_version to backoffice_system;
grant usage on sequence app.policy_version_id_seq to backoffice_app, backoffice_system;

create function app.retention_policies()
returns table (number bigint, said text, digest text, confirmed_at timestamptz, later text[], later_at timestamptz)
language sql stable security definer set search_path = app, pg_temp as $$
  select v.id, v.said, v.digest, v.confirmed_at, v.later, v.later_at
    from policy_version v where v.state = 'confirmed' order by v.id
$$;
comment on function app.retention_policies is
  'Every policy of retention that was decided, in order, and what of it comes in force later; for everybody.';
revoke execute on function app.retention_policies() from public;
grant execute on function app.retention_policies() to backoffice_app, backoffice_system;

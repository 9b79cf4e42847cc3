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
grant select, insert, update, delete on plugin_notifications.contract_terms to backoffice_system;
grant select, insert on plugin_notifications.contract_terms to backoffice_app;
grant update (rule, hours, start, said_at, said_by) on plugin_notifications.contract_terms to backoffice_app;
grant usage on sequence plugin_notifications.contract_terms_id_seq to backoffice_app, backoffice_system;

create function plugin_notifications.forget_contract_terms(of_school bigint, of_district bigint) returns void
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
begin
  if is_founder() then
    delete from contract_terms t where t.school_id = of_school or t.district_id = of_district;
  end if;
end $$;
comment on function plugin_notifications.forget_contract_terms is
  'Has nothing be known any more of the contract of a school or of a district, for founders.';
revoke execute on function plugin_notifications.forget_contract_terms(bigint, bigint) from public;
grant execute on function plugin_notifications.forget_contract_terms(bigint, bigint) to backoffice_app;

-- What was said last at an incident that was no drill, of each school.
insert into plugin_notifications.contract_terms (school_id, rule, hours, start, said_at)
select distinct on (c.school_id) c.school_id, c.contract_rule, c.contract_hours, c.contract_start, i.opened_at
  from plugin_notifications.concerned_school c join plugin_notifications.incident i on i.id = c.incident_id
 where not i.is_drill and c.contract_rule is not null and c.school_id is not null
 order by c.school_id, c.id desc;

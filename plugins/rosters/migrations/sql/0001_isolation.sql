-- Leaders see the imports of what they lead and ask for new ones; what the rosters are recognised by, and the
-- uploaded files once they are stored, are for the system alone.

do $$
declare
  t text;
begin
  foreach t in array array['school_source', 'classroom_source', 'student_source', 'account_source',
      'roster_import', 'roster_upload'] loop
    execute format('alter table plugin_rosters.%I enable row level security', t);
    execute format('alter table plugin_rosters.%I force row level security', t);
    execute format('create policy owner on plugin_rosters.%I to backoffice_owner using (true) with check (true)', t);
    execute format('create policy system on plugin_rosters.%I to backoffice_system
                    using ((select app.purpose()) <> '''') with check ((select app.purpose()) <> '''')', t);
  end loop;
end $$;

create function plugin_rosters.led_districts() returns bigint[]
language sql stable security definer set search_path = app, pg_temp as $$
  select array(select m.district_id from membership m
                where m.account_id = any (ids('account')) and m.role = 'leader' and m.district_id is not null)
$$;
comment on function plugin_rosters.led_districts is 'Districts that the principal leads.';

create policy app_read on plugin_rosters.roster_import for select to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or district_id = any ((select plugin_rosters.led_districts())::bigint[]));
-- Nobody asks in another's name, nor writes down as done what was not.
create policy app_insert on plugin_rosters.roster_import for insert to backoffice_app
  with check ((school_id = any ((select app.ids('led_schools'))::bigint[])
               or district_id = any ((select plugin_rosters.led_districts())::bigint[]))
              and source = 'upload' and state = 'waiting' and done = 0
              and started_at is null and finished_at is null
              and asked_by = any ((select app.ids('account'))::bigint[]));
create policy app_insert on plugin_rosters.roster_upload for insert to backoffice_app
  with check (exists (select from plugin_rosters.roster_import i
                       where i.id = import_id and i.state = 'waiting'
                         and i.asked_by = any ((select app.ids('account'))::bigint[])));

grant usage on schema plugin_rosters to backoffice_app, backoffice_system;
grant select, insert on plugin_rosters.roster_import to backoffice_app;
grant insert on plugin_rosters.roster_upload to backoffice_app;
grant select, insert, update, delete on all tables in schema plugin_rosters to backoffice_system;
revoke insert, update, delete on plugin_rosters.schema_version from backoffice_system;
grant select on plugin_rosters.schema_version to backoffice_app;
grant usage on all sequences in schema plugin_rosters to backoffice_app, backoffice_system;
revoke execute on function plugin_rosters.led_districts() from public;
grant execute on function plugin_rosters.led_districts() to backoffice_app, backoffice_system;

-- Samples of sealed values and digests have no place in pg_statistic.
do $$
declare
  c record;
begin
  for c in select a.attrelid::regclass as t, a.attname from pg_attribute a
            join pg_class k on k.oid = a.attrelid and k.relkind = 'r'
            where k.relnamespace = 'plugin_rosters'::regnamespace and a.attnum > 0 and not a.attisdropped
              and (a.atttypid = 'bytea'::regtype or a.attname like '%\_digest') loop
    execute format('alter table %s alter column %I set statistics 0', c.t, c.attname);
  end loop;
end $$;

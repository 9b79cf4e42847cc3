-- The last changes of records: read and written by whoever may change the record now, and twenty of each.

do $$
declare
  t text;
begin
  foreach t in array array['student_change', 'classroom_change', 'action_change', 'school_change', 'plugin_change',
                           'job_change'] loop
    execute format('alter table app.%I enable row level security', t);
    execute format('alter table app.%I force row level security', t);
    execute format('create policy owner on app.%I to backoffice_owner using (true) with check (true)', t);
    execute format('create policy system on app.%I to backoffice_system
                    using ((select app.purpose()) <> '''') with check ((select app.purpose()) <> '''')', t);
    execute format('grant select, insert, update, delete on app.%I to backoffice_system', t);
    execute format('grant select, insert on app.%I to backoffice_app', t);
    execute format('grant usage on sequence app.%I to backoffice_app, backoffice_system', t || '_id_seq');
    execute format('alter table app.%I alter column difference set statistics 0', t);
  end loop;
end $$;

create policy app_read on app.student_change for select to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or student_id = any ((select app.taught_today())::bigint[]));
create policy app_insert on app.student_change for insert to backoffice_app
  with check ((school_id = any ((select app.ids('led_schools'))::bigint[])
               or student_id = any ((select app.taught_today())::bigint[]))
              and by = any ((select app.ids('account'))::bigint[]));

do $$
declare
  t text;
begin
  foreach t in array array['classroom_change', 'action_change'] loop
    execute format('create policy app_read on app.%I for select to backoffice_app
                    using (school_id = any ((select app.ids(''led_schools''))::bigint[])
                           or classroom_id = any ((select app.ids(''classrooms''))::bigint[]))', t);
    execute format('create policy app_insert on app.%I for insert to backoffice_app
                    with check ((school_id = any ((select app.ids(''led_schools''))::bigint[])
                                 or classroom_id = any ((select app.ids(''classrooms''))::bigint[]))
                                and by = any ((select app.ids(''account''))::bigint[]))', t);
  end loop;
end $$;

create policy app_read on app.school_change for select to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or school_id = any ((select app.personal_schools())::bigint[]));
create policy app_insert on app.school_change for insert to backoffice_app
  with check ((school_id = any ((select app.ids('led_schools'))::bigint[])
               or school_id = any ((select app.personal_schools())::bigint[]))
              and by = any ((select app.ids('account'))::bigint[]));

do $$
declare
  t text;
begin
  foreach t in array array['plugin_change', 'job_change'] loop
    execute format('create policy app_read on app.%I for select to backoffice_app
                    using ((select app.is_founder()))', t);
    execute format('create policy app_insert on app.%I for insert to backoffice_app
                    with check ((select app.is_founder()) and by = any ((select app.ids(''account''))::bigint[]))', t);
  end loop;
end $$;

-- Whoever changes a record holds it, so that two at once do not count past each other.
create function app.keep_last_changes() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  execute format(
    'delete from %1$I k
      using (select distinct %2$s from added) a
      cross join lateral (select c.id from %1$I c where (%3$s) = (%4$s) order by c.id desc offset 20) old
      where (%5$s) = (%4$s) and k.id = old.id',
    tg_table_name,
    array_to_string(tg_argv, ', '),
    (select string_agg('c.' || n, ', ') from unnest(tg_argv) n),
    (select string_agg('a.' || n, ', ') from unnest(tg_argv) n),
    (select string_agg('k.' || n, ', ') from unnest(tg_argv) n));
  return null;
end $$;
comment on function app.keep_last_changes is 'Forgets all changes of a record but the last twenty.';
revoke execute on function app.keep_last_changes() from public;

create trigger keep_last_changes after insert on app.student_change
  referencing new table as added for each statement execute function app.keep_last_changes('school_id', 'student_id');
create trigger keep_last_changes after insert on app.classroom_change
  referencing new table as added for each statement execute function app.keep_last_changes('school_id', 'classroom_id');
create trigger keep_last_changes after insert on app.action_change
  referencing new table as added for each statement execute function app.keep_last_changes('school_id', 'action_id');
create trigger keep_last_changes after insert on app.school_change
  referencing new table as added for each statement execute function app.keep_last_changes('school_id');
create trigger keep_last_changes after insert on app.plugin_change
  referencing new table as added for each statement execute function app.keep_last_changes('plugin_state_id');
create trigger keep_last_changes after insert on app.job_change
  referencing new table as added for each statement execute function app.keep_last_changes('job_schedule_id');

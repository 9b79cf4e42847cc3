-- Whoever asked for an export sees it, and leaders see those of what they lead; a parent's is the parent's alone.

alter table plugin_exports.export enable row level security;
alter table plugin_exports.export force row level security;
create policy owner on plugin_exports.export to backoffice_owner using (true) with check (true);
create policy system on plugin_exports.export to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');

create function plugin_exports.led_districts() returns bigint[]
language sql stable security definer set search_path = app, pg_temp as $$
  select array(select m.district_id from membership m
                where m.account_id = any (ids('account')) and m.role = 'leader' and m.suspended_at is null
                  and m.district_id is not null)
$$;
comment on function plugin_exports.led_districts is 'Districts that the principal leads.';

create function plugin_exports.ahead(of_export bigint) returns bigint
language sql stable security definer set search_path = plugin_exports, app, pg_temp as $$
  select count(*) from export mine
    join export other on other.state = 'queued' and other.id < mine.id
                     and (other.asked_by = mine.asked_by or other.school_id = mine.school_id)
   where mine.id = of_export and mine.state = 'queued' and mine.asked_by = any (ids('account'))
$$;
comment on function plugin_exports.ahead is 'How many exports wait before an own one: a number, and nothing of whose they are.';

create policy app_read on plugin_exports.export for select to backoffice_app
  using (asked_by = any ((select app.ids('account'))::bigint[])
         or (not for_family
             and (school_id = any ((select app.ids('led_schools'))::bigint[])
                  or district_id = any ((select plugin_exports.led_districts())::bigint[]))));
-- Nobody asks in another's name, nor for what is out of reach, nor writes down as made what was not.
create policy app_insert on plugin_exports.export for insert to backoffice_app
  with check (asked_by = any ((select app.ids('account'))::bigint[])
              and state = 'queued' and done = 0 and downloads = 0 and gone_on = 0 and file is null and size is null
              and counts is null and started_at is null and ready_at is null and fetched_at is null
              and ended_at is null and destroyed_at is null and destroyed_for is null
              and (subject = 'account'
                   or (subject = 'district'
                       and district_id = any ((select plugin_exports.led_districts())::bigint[]))
                   or (subject = 'school' and school_id = any ((select app.ids('schools'))::bigint[]))
                   or (subject = 'classroom' and exists (
                         select from app.classroom c where c.school_id = export.school_id and c.id = classroom_id))
                   or (subject = 'student' and exists (
                         select from app.student s where s.school_id = export.school_id and s.id = student_id))));
-- The one who asked gives it up, and fetches it.
create policy app_give_up on plugin_exports.export for update to backoffice_app
  using (asked_by = any ((select app.ids('account'))::bigint[]) and state in ('queued', 'making', 'ready'))
  with check (asked_by = any ((select app.ids('account'))::bigint[]) and state in ('cancelled', 'ready'));

grant usage on schema plugin_exports to backoffice_app, backoffice_system;
-- What is to open a locked file is for whoever makes it: neither leaders nor the one who typed it read it again.
grant select (id, public_id, asked_by, school_id, district_id, classroom_id, student_id, rooms, subject, for_family, workbooks,
              locked, state, asked_at, started_at, ready_at, fetched_at, ended_at, destroyed_at, done, size, counts, file, file_key,
              downloads, gone_on, destroyed_for) on plugin_exports.export to backoffice_app;
grant insert on plugin_exports.export to backoffice_app;
grant update (state, file, file_key, passphrase, ended_at, downloads, gone_on, fetched_at) on plugin_exports.export to backoffice_app;
grant select, insert, update, delete on plugin_exports.export to backoffice_system;
grant select on plugin_exports.schema_version to backoffice_app;
grant usage on all sequences in schema plugin_exports to backoffice_app, backoffice_system;
revoke execute on function plugin_exports.led_districts(), plugin_exports.ahead(bigint) from public;
grant execute on function plugin_exports.led_districts(), plugin_exports.ahead(bigint) to backoffice_app, backoffice_system;
alter table plugin_exports.export alter column counts set statistics 0, alter column passphrase set statistics 0,
  alter column file_key set statistics 0;

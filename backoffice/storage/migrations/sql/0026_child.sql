-- What children tell: written by the signed-in child alone, and read by whoever it is told to.

alter table app.worry enable row level security;
alter table app.worry force row level security;
create policy owner on app.worry to backoffice_owner using (true) with check (true);
create policy system on app.worry to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');
grant select, insert, update, delete on app.worry to backoffice_system;
grant usage on sequence app.worry_id_seq to backoffice_app, backoffice_system;

create function app.rooms_in_charge() returns bigint[]
language sql stable security definer set search_path = app, pg_temp as $$
  select array(select t.classroom_id from teaching_role t
                where t.account_id = any (ids('account')) and t.role <> 'helper'
                  and t.classroom_id = any (ids('classrooms')))
$$;
comment on function app.rooms_in_charge is 'Classrooms that the principal owns or co-teaches, not those where they help.';

-- A leader who works in the class is no way around its grown-ups.
create function app.leader_to_tell() returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select exists (
    select from classroom c
      join school s on s.id = c.school_id
      join membership m on m.role = 'leader' and m.suspended_at is null
                       and (m.school_id = s.id or m.district_id = s.district_id)
      join account a on a.id = m.account_id and a.status = 'active'
     where ids('student_session') <> '{}' and c.id = any (ids('own_classrooms'))
       and not exists (select from teaching_role t
                        where t.school_id = c.school_id and t.classroom_id = c.id
                          and t.account_id = m.account_id))
$$;
comment on function app.leader_to_tell is
  'Whether the school of the signed-in child has a leader who does not work in its class.';

create policy app_read on app.worry for select to backoffice_app
  using ((goes_to = 'teacher' and classroom_id = any ((select app.rooms_in_charge())::bigint[]))
         or (school_id = any ((select app.ids('led_schools'))::bigint[])
             and (goes_to = 'teacher' or classroom_id <> all ((select app.ids('classrooms'))::bigint[]))));
create policy app_insert on app.worry for insert to backoffice_app
  with check ((select app.ids('student_session')) <> '{}'
              and student_id = any ((select app.ids('students'))::bigint[])
              and classroom_id = any ((select app.ids('own_classrooms'))::bigint[])
              and (goes_to = 'teacher' or (select app.leader_to_tell()))
              and seen_at is null and closed_at is null);
create policy app_write on app.worry for update to backoffice_app
  using ((goes_to = 'teacher' and classroom_id = any ((select app.rooms_in_charge())::bigint[]))
         or (school_id = any ((select app.ids('led_schools'))::bigint[])
             and (goes_to = 'teacher' or classroom_id <> all ((select app.ids('classrooms'))::bigint[]))));
grant select on app.worry to backoffice_app;
grant insert (school_id, id, public_id, classroom_id, student_id, kind, goes_to, note, form, told_at)
  on app.worry to backoffice_app;
grant update (seen_at, seen_by, closed_at, closed_by, answer) on app.worry to backoffice_app;

create trigger stays_closed before update of closed_at on app.worry
  for each row when (old.closed_at is not null and new.closed_at is distinct from old.closed_at)
  execute function app.stays_ended();

alter table app.worry alter column note set statistics 0;
alter table app.worry alter column answer set statistics 0;

revoke execute on function app.rooms_in_charge(), app.leader_to_tell() from public;
grant execute on function app.rooms_in_charge(), app.leader_to_tell() to backoffice_app, backoffice_system;

-- What parents ask: written by who follows the child, about that child; answered once, by nobody who asked it.

create function app.children_in_charge() returns bigint[]
language sql stable security definer set search_path = app, pg_temp as $$
  select array(select e.student_id from enrollment e
                where e.classroom_id = any (rooms_in_charge()) and e.ended_at is null)
$$;
comment on function app.children_in_charge is 'Students enrolled in the classrooms that the principal owns or co-teaches.';
revoke execute on function app.children_in_charge() from public;
grant execute on function app.children_in_charge() to backoffice_app, backoffice_system;

alter table app.guardian_request enable row level security;
alter table app.guardian_request force row level security;
create policy owner on app.guardian_request to backoffice_owner using (true) with check (true);
create policy system on app.guardian_request to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');
create policy app_read on app.guardian_request for select to backoffice_app
  using ((account_id = any ((select app.ids('account'))::bigint[])
          and student_id = any ((select app.ids('students'))::bigint[]))
         or school_id = any ((select app.ids('led_schools'))::bigint[])
         or student_id = any ((select app.children_in_charge())::bigint[]));
create policy app_insert on app.guardian_request for insert to backoffice_app
  with check (account_id = any ((select app.ids('account'))::bigint[])
              and student_id = any ((select app.ids('students'))::bigint[])
              and app.was_here(asked_at));
create policy app_write on app.guardian_request for update to backoffice_app
  using ((school_id = any ((select app.ids('led_schools'))::bigint[])
          or student_id = any ((select app.children_in_charge())::bigint[]))
         and account_id <> all ((select app.ids('account'))::bigint[]) and answered_at is null)
  with check (answered_by = any ((select app.ids('account'))::bigint[]));
grant select, insert, update, delete on app.guardian_request to backoffice_system;
grant select on app.guardian_request to backoffice_app;
grant insert (school_id, id, public_id, student_id, account_id, kind, note, asked_at)
  on app.guardian_request to backoffice_app;
grant update (answered_at, answered_by, answer) on app.guardian_request to backoffice_app;
grant usage on sequence app.guardian_request_id_seq to backoffice_app, backoffice_system;
alter table app.guardian_request alter column note set statistics 0, alter column answer set statistics 0;

-- ------------------------------------------------------------------------- invitations are sent once more

-- Whoever sends one again stands for it: what `app_insert` asks for is asked again.
grant update (expires_at, invited_by) on app.guardian_invitation to backoffice_app;
alter policy app_write on app.guardian_invitation
  with check ((school_id = any ((select app.ids('led_schools'))::bigint[])
               or student_id = any ((select app.taught())::bigint[]))
              and token_digest is null and code is null
              and (withdrawn_at is not null or invited_by = any ((select app.ids('account'))::bigint[])));

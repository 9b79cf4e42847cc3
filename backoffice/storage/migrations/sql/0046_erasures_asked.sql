-- The web asks for erasures and confirms them. It deletes nothing, and names nothing outside of its principal's scope.

create policy app_insert on app.erasure for insert to backoffice_app
  with check (asked_by = any ((select app.ids('account'))::bigint[])
              and stage = 'looking' and confirmed_at is null and found is null and plan is null and receipt is null
              and (school_id = any ((select app.ids('led_schools'))::bigint[]) and asked_as = 'leader'
                   or asked_as = 'teacher'
                      and (subject = 'classroom' and subject_id = any ((select app.rooms_owned())::bigint[])
                           or subject = 'student'
                              and exists (select from app.enrollment e
                                           where e.student_id = subject_id and e.school_id = erasure.school_id
                                             and e.ended_at is null
                                             and e.classroom_id = any ((select app.rooms_owned())::bigint[]))))
              and (subject = 'student'
                   and exists (select from app.student s where s.id = subject_id and s.school_id = erasure.school_id)
                   or subject = 'classroom'
                   and exists (select from app.classroom c where c.id = subject_id and c.school_id = erasure.school_id)));
create policy app_write on app.erasure for update to backoffice_app
  using (asked_by = any ((select app.ids('account'))::bigint[]) and stage = 'previewed')
  with check (asked_by = any ((select app.ids('account'))::bigint[]) and stage = 'confirmed');

grant insert on app.erasure to backoffice_app;
-- Not of what: that was looked at.
grant update (stage, confirmed_at) on app.erasure to backoffice_app;
grant usage on sequence app.erasure_id_seq to backoffice_app;

create function app.leave_erasure(number bigint) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update erasure e set stage = 'lapsed', subject_id = null, found = null
   where e.id = number and e.asked_by = any (ids('account')) and e.stage in ('looking', 'previewed');
  return found;
end $$;
comment on function app.leave_erasure is 'Has something not erased after all that the principal asked for and did not confirm.';
revoke execute on function app.leave_erasure(bigint) from public;
grant execute on function app.leave_erasure(bigint) to backoffice_app, backoffice_system;

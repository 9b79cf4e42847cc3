-- Whoever signed up alone stands in the own school where leaders stand elsewhere: for what parents ask, whatever classes
-- there are, and for the school's days and years.

-- Guests come by an invitation, and make classes as well: having one proves nothing.
create function app.is_own(it app.membership, kind_of_school text) returns boolean
language sql immutable parallel safe set search_path = app, pg_temp as $$
  select kind_of_school = 'personal' and it.role = 'teacher' and it.origin in ('sign-up', 'earlier')
$$;
comment on function app.is_own is 'Whether a membership is that of a personal school''s own teacher.';

create function app.personal_schools() returns bigint[]
language sql stable security definer set search_path = app, pg_temp as $$
  select array(select m.school_id from membership m join school s on s.id = m.school_id
                where m.account_id = any (ids('account')) and m.school_id = any (ids('staffed_schools'))
                  and is_own(m, s.kind) and m.suspended_at is null)
$$;
comment on function app.personal_schools is 'Personal schools whose teacher the principal is, not those of a colleague who invited them.';

-- -------------------------------------------------------------------------------------- what parents ask

-- The first of these that there are: who owns a class that the child is in now; who leads the school, or whose own it
-- is; who co-teaches such a class. Never who asks.
create function app.who_answers(of_school bigint, of_student bigint, asked_by bigint) returns setof bigint
language sql stable security definer set search_path = app, pg_temp as $$
  with place as (
    select m, a.id, s.kind
      from school s
      join membership m on m.school_id = s.id or m.district_id = s.district_id
      join account a on a.id = m.account_id and a.status in ('active', 'locked', 'dormant')
     where s.id = of_school and m.suspended_at is null and a.id <> asked_by
  ), answering as (
    select p.id, case t.role when 'owner' then 1 else 3 end as turn
      from enrollment e
      join classroom c on c.school_id = e.school_id and c.id = e.classroom_id and c.archived_at is null
      join teaching_role t on t.school_id = c.school_id and t.classroom_id = c.id and t.role <> 'helper'
      join place p on p.id = t.account_id and (p.m).role in ('teacher', 'leader')
     where e.school_id = of_school and e.student_id = of_student and e.ended_at is null
    union all
    select p.id, 2 from place p where (p.m).role = 'leader' or is_own(p.m, p.kind)
  )
  select distinct a.id from answering a where a.turn = (select min(b.turn) from answering b)
$$;
comment on function app.who_answers is 'Accounts that are told what a parent asks about a child.';

create function app.somebody_answers(of_student bigint) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select exists (select from student s
                   cross join lateral who_answers(s.school_id, s.id, (ids('account'))[1]) as w
                  where s.id = of_student and s.id = any (ids('students')))
$$;
comment on function app.somebody_answers is
  'Whether there is somebody at the school of the principal''s own child who is told what the principal asks about it.';

-- To answer, one has to know about whom.
create function app.children_asked_about() returns bigint[]
language sql stable security definer set search_path = app, pg_temp as $$
  select array(select r.student_id from guardian_request r
                where r.school_id = any (personal_schools()) and r.answered_at is null)
$$;
comment on function app.children_asked_about is
  'Students of the principal''s personal school about whom a parent waits for an answer.';

create function app.links_of_who_asked() returns bigint[]
language sql stable security definer set search_path = app, pg_temp as $$
  select array(select l.id from guardian_request r
                 join guardian_link l on l.school_id = r.school_id and l.student_id = r.student_id
                  and l.account_id = r.account_id
                where r.school_id = any (personal_schools()) and r.answered_at is null)
$$;
comment on function app.links_of_who_asked is
  'Links of the parents who wait for an answer of the principal''s personal school.';

revoke execute on function app.personal_schools(), app.links_of_who_asked(), app.is_own(app.membership, text),
  app.who_answers(bigint, bigint, bigint), app.somebody_answers(bigint), app.children_asked_about() from public;
grant execute on function app.personal_schools(), app.children_asked_about(), app.links_of_who_asked() to backoffice_app, backoffice_system;
grant execute on function app.who_answers(bigint, bigint, bigint) to backoffice_system;
grant execute on function app.somebody_answers(bigint) to backoffice_app;

alter policy app_read on app.guardian_request
  using ((account_id = any ((select app.ids('account'))::bigint[])
          and student_id = any ((select app.ids('students'))::bigint[]))
         or school_id = any ((select app.ids('led_schools'))::bigint[])
         or student_id = any ((select app.children_in_charge())::bigint[])
         or school_id = any ((select app.personal_schools())::bigint[]));
alter policy app_write on app.guardian_request
  using ((school_id = any ((select app.ids('led_schools'))::bigint[])
          or student_id = any ((select app.children_in_charge())::bigint[])
          or school_id = any ((select app.personal_schools())::bigint[]))
         and account_id <> all ((select app.ids('account'))::bigint[]) and answered_at is null);
alter policy app_read on app.student
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or id = any ((select app.pupils())::bigint[])
         or id = any ((select app.children_asked_about())::bigint[]));
alter policy app_read on app.guardian_link
  using (account_id = any ((select app.ids('account'))::bigint[])
         or school_id = any ((select app.ids('led_schools'))::bigint[])
         or student_id = any ((select app.taught_today())::bigint[])
         or id = any ((select app.links_of_who_asked())::bigint[]));

-- ------------------------------------------------------------------------------------- the school's days

create or replace function app.set_school_days(of_school bigint, new_days text[], new_zone text) returns text
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  if not (of_school = any (ids('led_schools')) or of_school = any (personal_schools())) then
    return 'not theirs';
  end if;
  begin
    -- With a zone that is none, no door of the school could be asked whether it is open.
    perform timestamptz 'epoch' at time zone new_zone;
  exception when invalid_parameter_value then
    return 'no such zone';
  end;
  update school s set school_days = new_days, time_zone = new_zone where s.id = of_school;
  return 'set';
end $$;

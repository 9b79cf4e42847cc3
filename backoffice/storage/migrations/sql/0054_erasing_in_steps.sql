-- Access to what is erased ends as it is confirmed; a school that is erased in steps is hidden until it is gone.

create function app.being_erased(kind text, number bigint) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select exists (select from erasure e
                  where e.subject = kind and e.subject_id = number
                    and e.stage in ('confirmed', 'held', 'noted', 'erased'))
$$;
comment on function app.being_erased is 'Whether an erasure of this is under way.';
revoke execute on function app.being_erased(text, bigint) from public;
grant execute on function app.being_erased(text, bigint) to backoffice_app, backoffice_system;

create function app.left_by(account bigint) returns table (school_id bigint, classroom_id bigint)
language sql stable set search_path = app, pg_temp as $$
  select t.school_id, t.classroom_id
    from teaching_role t join school s on s.id = t.school_id
   where t.account_id = account and t.role = 'owner' and s.kind = 'personal' and not exists (
     select from teaching_role x join account a on a.id = x.account_id
      where x.school_id = t.school_id and x.classroom_id = t.classroom_id and x.account_id <> account
        and x.role in ('owner', 'co_teacher') and a.status in ('active', 'locked', 'dormant')
        and not being_erased('account', a.id))
$$;
comment on function app.left_by is
  'Classes in teachers'' own schools that nobody is left to run without this account.';
revoke execute on function app.left_by(bigint) from public;

create function app.end_access(of_erasure bigint, moment timestamptz) returns void
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  it erasure;
  places bigint[];
begin
  select e.* into it from erasure e
   where e.id = of_erasure and e.stage in ('confirmed', 'held')
     and (purpose() <> '' or e.asked_by = any (ids('account')));
  if not found then return; end if;
  if it.subject = 'student' then
    update guardian_invitation i set withdrawn_at = moment, token_digest = null
     where i.school_id = it.school_id and i.student_id = it.subject_id
       and i.accepted_at is null and i.withdrawn_at is null;
    update student_card k set voided_at = moment
     where k.school_id = it.school_id and k.student_id = it.subject_id and k.voided_at is null;
    update student_session s set ended_at = moment
     where s.school_id = it.school_id and s.student_id = it.subject_id and s.ended_at is null;
  elsif it.subject = 'classroom' then
    perform from classroom c where c.school_id = it.school_id and c.id = it.subject_id for no key update;
    update classroom c set door = 'closed', door_until = null
     where c.school_id = it.school_id and c.id = it.subject_id and c.door <> 'closed';
    update classroom_code k set ended_at = moment
     where k.school_id = it.school_id and k.classroom_id = it.subject_id and k.ended_at is null;
    update student_card k set voided_at = moment
     where k.school_id = it.school_id and k.classroom_id = it.subject_id and k.voided_at is null;
    update student_session s set ended_at = moment
     where s.school_id = it.school_id and s.classroom_id = it.subject_id and s.ended_at is null;
  elsif it.subject = 'account' then
    -- A class that nobody runs any more lets no child in; one that passes to a co-teacher goes on as it is.
    update classroom c set door = 'closed', door_until = null
      from left_by(it.subject_id) l
     where c.school_id = l.school_id and c.id = l.classroom_id and c.door <> 'closed';
    update classroom_code k set ended_at = moment
      from left_by(it.subject_id) l
     where k.school_id = l.school_id and k.classroom_id = l.classroom_id and k.ended_at is null;
    update student_session x set ended_at = moment
      from left_by(it.subject_id) l
     where x.school_id = l.school_id and x.classroom_id = l.classroom_id and x.ended_at is null;
    update account a set status = 'deactivated', deactivated_at = moment, security_epoch = a.security_epoch + 1
     where a.id = it.subject_id and a.status <> 'deactivated';
  else
    places := array(select s.id from school s
                     where it.subject = 'school' and s.id = it.subject_id
                        or it.subject = 'district' and s.district_id = it.subject_id
                     order by s.id for no key update);
    -- What follows from it for codes, cards and links is asked whenever somebody comes in: of a district there
    -- may be a million.
    update school s set erasing_since = moment where s.id = any (places) and s.erasing_since is null;
    update classroom_code k set ended_at = moment where k.school_id = any (places) and k.ended_at is null;
    update student_session s set ended_at = moment where s.school_id = any (places) and s.ended_at is null;
    -- Those who go with it: they work there and nowhere else, follow no child and are no founder's.
    update account a set status = 'deactivated', deactivated_at = moment, security_epoch = a.security_epoch + 1
      from (select o.id from account o
             where o.id in (select m.account_id from membership m
                             where m.school_id = any (places)
                                or it.subject = 'district' and m.district_id = it.subject_id)
               and not exists (select from membership m
                                where m.account_id = o.id
                                  and not coalesce(m.school_id = any (places)
                                                   or it.subject = 'district' and m.district_id = it.subject_id, false))
               and not exists (select from guardian_link g where g.account_id = o.id)
               and not o.founder and o.status <> 'deactivated'
             order by o.id for no key update) gone
     where a.id = gone.id;
  end if;
end $$;
comment on function app.end_access is
  'Ends sessions, codes, cards and links of what an erasure takes, for whoever asked for it or the system: nobody gets in from then on.';
revoke execute on function app.end_access(bigint, timestamptz) from public;
grant execute on function app.end_access(bigint, timestamptz) to backoffice_app, backoffice_system;

-- ------------------------------------------------- what is being erased is seen by nobody and lets nobody in

create function pg_temp.amend(whose regprocedure, place text, said text) returns void
language plpgsql as $$
declare
  whole text := pg_get_functiondef(whose);
begin
  if position(place in whole) = 0 then
    raise exception '% does not say what this migration expects.', whose;
  end if;
  execute replace(whole, place, said);
end $$;

do $$
declare
  enters constant regprocedure := 'app.enter(bytea, timestamptz)'::regprocedure;
  own constant text := 'where m.account_id = found_account.id and not factor_missing';
  led constant text := 'and s.id <> all (schools_led)';
  watched constant text := 'and s.id <> all (schools_watched)';
  child constant text := 'where g.account_id = found_account.id and g.status = ''approved''';
  school_of_child constant text := 'join school h on h.id = s.school_id';
  code constant text := 'where k.code_index = index_of_code and k.ended_at is null';
  marked constant text := 'and not exists (select from erasure_mark m where m.mark = erased)';
  card constant text := 'k.id = o.card_id and k.voided_at is null';
  begins_account regprocedure;
  begins_student regprocedure;
  begins_card regprocedure;
begin
  select p.oid into begins_account from pg_proc p
   where p.pronamespace = 'app'::regnamespace and p.proname = 'begin_account_session';
  select p.oid into begins_student from pg_proc p
   where p.pronamespace = 'app'::regnamespace and p.proname = 'begin_student_session';
  select p.oid into begins_card from pg_proc p
   where p.pronamespace = 'app'::regnamespace and p.proname = 'begin_card_session';
  perform pg_temp.amend(enters, own, own || ' and s.erasing_since is null');
  perform pg_temp.amend(enters, led, led || ' and s.erasing_since is null');
  perform pg_temp.amend(enters, watched, watched || ' and s.erasing_since is null');
  perform pg_temp.amend(enters, child, child || '
                       and not exists (select from school s where s.id = g.school_id and s.erasing_since is not null)');
  perform pg_temp.amend('app.enter_student(uuid, timestamptz)'::regprocedure, school_of_child,
                        school_of_child || ' and h.erasing_since is null');
  perform pg_temp.amend('app.open_code(bytea, timestamptz)'::regprocedure, code,
                        code || ' and s.erasing_since is null and not being_erased(''classroom'', c.id)');
  perform pg_temp.amend(begins_student, marked, marked || ' and not being_erased(''student'', s.id)');
  perform pg_temp.amend(begins_account, marked, marked || ' and not being_erased(''account'', a.id)');
  perform pg_temp.amend(begins_card, card, card || ' and not being_erased(''student'', k.student_id)');
end $$;

-- ------------------------------------------------------------------------------- what founders may ask for

create policy app_insert_founder on app.erasure for insert to backoffice_app
  with check ((select app.is_founder()) and asked_by = any ((select app.ids('account'))::bigint[])
              and stage = 'looking' and asked_as = 'founder' and confirmed_at is null and found is null
              and plan is null and receipt is null
              and (subject = 'school' and school_id = subject_id
                   and exists (select from app.school s where s.id = subject_id and s.kind = 'school')
                   or subject = 'district' and school_id is null
                   and exists (select from app.district d where d.id = subject_id)));

-- Hidden by the system where a teacher's own school goes with its account.
grant update (erasing_since) on app.school to backoffice_system;

-- ------------------------------------------------------------------------- who goes with the own account

create or replace function app.students_of_nobody_else() returns bigint
language sql stable security definer set search_path = app, pg_temp as $$
  with own as (
    select s.id from school s join membership m on m.school_id = s.id
     where s.kind = 'personal' and m.account_id = any (ids('account')) and m.origin in ('sign-up', 'earlier')),
  rooms as (
    select c.school_id, c.id, exists (
      select from teaching_role t join account a on a.id = t.account_id
       where t.school_id = c.school_id and t.classroom_id = c.id and t.role in ('owner', 'co_teacher')
         and t.account_id <> all (ids('account')) and a.status in ('active', 'locked', 'dormant')
         and not being_erased('account', a.id)) as stays
      from classroom c where c.school_id in (select o.id from own o)),
  whole as (
    select o.id from own o where not exists (select from rooms r where r.school_id = o.id and r.stays)),
  going as (
    select r.school_id, r.id from rooms r where not r.stays and r.school_id not in (select w.id from whole w)
    union all
    select t.school_id, t.classroom_id from teaching_role t join school s on s.id = t.school_id
     where s.kind = 'personal' and s.id not in (select o.id from own o)
       and t.account_id = any (ids('account')) and t.role = 'owner' and not exists (
         select from teaching_role x
          where x.school_id = t.school_id and x.classroom_id = t.classroom_id
            and x.account_id <> all (ids('account')) and x.role in ('owner', 'co_teacher')))
  select (select count(*) from student s where s.school_id in (select w.id from whole w))
       + (select count(distinct e.student_id) from enrollment e
           where (e.school_id, e.classroom_id) in (select g.school_id, g.id from going g)
             and not exists (
               select from enrollment x
                where x.school_id = e.school_id and x.student_id = e.student_id
                  and (x.school_id, x.classroom_id) not in (select g.school_id, g.id from going g)
                  and (x.ended_at is null or not exists (
                    select from enrollment y
                     where y.school_id = e.school_id and y.student_id = e.student_id and y.ended_at is null
                       and (y.school_id, y.classroom_id) in (select g.school_id, g.id from going g)))))
$$;
comment on function app.students_of_nobody_else is
  'How many students go with the principal''s account, former ones too. A number and no row.';

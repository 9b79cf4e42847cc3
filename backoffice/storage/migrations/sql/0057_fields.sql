-- Fields of a school's own, and what is written in them. The web writes values and deletes none: one is taken away,
-- and a field with all of its values erased, by functions that look whose it is and whether it has to be kept.

do $$
declare
  t text;
begin
  foreach t in array array['custom_field', 'student_value', 'classroom_value'] loop
    execute format('alter table app.%I enable row level security', t);
    execute format('alter table app.%I force row level security', t);
    execute format('create policy owner on app.%I to backoffice_owner using (true) with check (true)', t);
    execute format('create policy system on app.%I to backoffice_system
                    using ((select app.purpose()) <> '''') with check ((select app.purpose()) <> '''')', t);
    execute format('grant select, insert, update, delete on app.%I to backoffice_system', t);
    execute format('grant select, insert on app.%I to backoffice_app', t);
  end loop;
  foreach t in array array['student_value', 'classroom_value'] loop
    execute format('grant update (value, value_index, set_at, due_at) on app.%I to backoffice_app', t);
    execute format('alter table app.%I alter column value set statistics 0, alter column value_index set statistics 0', t);
  end loop;
end $$;
grant update (name, purpose, choices, keep_days, need, confirmed_at, confirmed_by) on app.custom_field to backoffice_app;
grant usage on sequence app.custom_field_id_seq to backoffice_app, backoffice_system;
alter table app.custom_field
  alter column name set statistics 0, alter column purpose set statistics 0,
  alter column choices set statistics 0, alter column need set statistics 0;

-- Parents take along what is written about their children, and with it what the fields are called.
create function app.family_fields() returns bigint[]
language sql stable security definer set search_path = app, pg_temp as $$
  select array(select distinct v.field_id from student_value v
                where v.student_id = any (ids('students')) and ids('account') <> '{}')
$$;
comment on function app.family_fields is 'Fields in which something is written about a parent''s children.';

-- What laws protect more is for those who are in charge of a class, not for who helps there.
create function app.guarded_fields() returns bigint[]
language sql stable security definer set search_path = app, pg_temp as $$
  select array(select f.id from custom_field f
                where f.need is not null and f.school_id = any (ids('staffed_schools')))
$$;
comment on function app.guarded_fields is
  'Fields, of the schools where the principal works, for which somebody had to say why they are needed.';

create function app.schools_in_charge() returns bigint[]
language sql stable security definer set search_path = app, pg_temp as $$
  select array(select distinct t.school_id from teaching_role t
                where t.account_id = any (ids('account')) and t.role <> 'helper'
                  and t.classroom_id = any (ids('classrooms')))
         || ids('led_schools') || personal_schools()
$$;
comment on function app.schools_in_charge is
  'Schools that the principal leads, whose only teacher they are, or where they own or co-teach a class.';

create policy app_read on app.custom_field for select to backoffice_app
  using ((school_id = any ((select app.ids('staffed_schools'))::bigint[])
          and (need is null or school_id = any ((select app.schools_in_charge())::bigint[])))
         or id = any ((select app.family_fields())::bigint[]));
create policy app_insert on app.custom_field for insert to backoffice_app
  with check (erased_at is null
              and (school_id = any ((select app.ids('led_schools'))::bigint[])
                   or school_id = any ((select app.personal_schools())::bigint[])));
create policy app_write on app.custom_field for update to backoffice_app
  using (erased_at is null
         and (school_id = any ((select app.ids('led_schools'))::bigint[])
              or school_id = any ((select app.personal_schools())::bigint[])));

-- A child that is signed in has no account: what the school writes about it is for grown-ups. What is written now
-- about the children of a class that was archived is for their teachers of today.
create policy app_read on app.student_value for select to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or student_id = any ((select app.children_in_charge())::bigint[])
         or (student_id = any ((select app.taught_today())::bigint[])
             and field_id <> all ((select app.guarded_fields())::bigint[]))
         or (student_id = any ((select app.ids('students'))::bigint[]) and (select app.ids('account')) <> '{}'));
create policy app_insert on app.student_value for insert to backoffice_app
  with check (school_id = any ((select app.ids('led_schools'))::bigint[])
              or student_id = any ((select app.taught_today())::bigint[]));
create policy app_write on app.student_value for update to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or student_id = any ((select app.taught_today())::bigint[]));

create policy app_read on app.classroom_value for select to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or classroom_id = any ((select app.rooms_in_charge())::bigint[])
         or (classroom_id = any ((select app.ids('classrooms'))::bigint[])
             and field_id <> all ((select app.guarded_fields())::bigint[])));
create policy app_insert on app.classroom_value for insert to backoffice_app
  with check (school_id = any ((select app.ids('led_schools'))::bigint[])
              or classroom_id = any ((select app.ids('classrooms'))::bigint[]));
create policy app_write on app.classroom_value for update to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or classroom_id = any ((select app.ids('classrooms'))::bigint[]));

-- Nothing is written in a field that is being deleted, nor kept for longer than its field says.
create function app.fit_to_field() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  days int;
begin
  select f.keep_days into days from custom_field f
   where f.school_id = new.school_id and f.id = new.field_id and f.subject = tg_argv[0] and f.erased_at is null
     for share;
  if not found then
    raise foreign_key_violation using message = 'There is no such field.';
  end if;
  new.due_at := new.set_at + make_interval(days => days);
  return new;
end $$;
comment on function app.fit_to_field is 'Has a value go when its field says, and be of a field that there is.';
create trigger fit_to_field before insert or update on app.student_value
  for each row execute function app.fit_to_field('student');
create trigger fit_to_field before insert or update on app.classroom_value
  for each row execute function app.fit_to_field('classroom');

-- Whoever writes takes the fields before the values, as does whoever changes or deletes a field: the other way
-- round each would wait for the other one. What can be chosen stays as it is until the values are written.
create function app.hold_fields(of_school bigint, fields bigint[]) returns void
language sql security definer set search_path = app, pg_temp as $$
  select from custom_field f
   where f.school_id = of_school and f.id = any (fields) and f.school_id = any (ids('staffed_schools'))
   order by f.id for share
$$;
comment on function app.hold_fields is
  'Keeps fields of a school where the principal works as they are until the transaction ends.';

create function app.rooms_kept(of_school bigint, rooms bigint[]) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select students_kept(of_school, array(
           select e.student_id from enrollment e where e.school_id = of_school and e.classroom_id = any (rooms)))
      or exists (select from legal_hold h
                  where h.state in ('proposed', 'in force') and h.subject = 'classroom'
                    and h.subject_id = any (rooms))
$$;
comment on function app.rooms_kept is 'Whether something of one of these classes has to be kept by law.';

create function app.forget_student_values(of_school bigint, of_student bigint, fields bigint[]) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  if not (of_school = any (ids('led_schools')) or of_student = any (taught_today()))
     or students_kept(of_school, array[of_student]) then
    return false;
  end if;
  delete from student_value v
   where v.school_id = of_school and v.student_id = of_student and v.field_id = any (fields);
  return true;
end $$;
comment on function app.forget_student_values is
  'Takes away what is written in some fields about a student whom the principal teaches or leads; whether it may go.';

create function app.forget_classroom_values(of_school bigint, of_classroom bigint, fields bigint[]) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  if not (of_school = any (ids('led_schools')) or of_classroom = any (ids('classrooms')))
     or rooms_kept(of_school, array[of_classroom]) then
    return false;
  end if;
  delete from classroom_value v
   where v.school_id = of_school and v.classroom_id = of_classroom and v.field_id = any (fields);
  return true;
end $$;
comment on function app.forget_classroom_values is
  'Takes away what is written in some fields about a class that the principal teaches or leads; whether it may go.';

create function app.is_field_kept(of_school bigint, field bigint) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select students_kept(of_school, array(
           select v.student_id from student_value v where v.school_id = of_school and v.field_id = field))
      or rooms_kept(of_school, array(
           select v.classroom_id from classroom_value v where v.school_id = of_school and v.field_id = field))
$$;
comment on function app.is_field_kept is 'Whether something written in a field has to be kept by law.';

-- Whoever manages a field manages all that is written in it, also what they do not read: in a school of one's own
-- that of the children of archived classes.
create function app.manages_fields(of_school bigint) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select of_school = any (ids('led_schools')) or of_school = any (personal_schools())
$$;
comment on function app.manages_fields is 'Whether the principal leads a school, or it is their own personal one.';

create function app.count_in_field(of_school bigint, field bigint, digest bytea) returns bigint
language sql stable security definer set search_path = app, pg_temp as $$
  select case when manages_fields(of_school) then
           (select count(*) from student_value v
             where v.school_id = of_school and v.field_id = field and (digest is null or v.value_index = digest))
           + (select count(*) from classroom_value v
               where v.school_id = of_school and v.field_id = field and (digest is null or v.value_index = digest))
         else 0 end
$$;
comment on function app.count_in_field is
  'How many values a field has, or how often the one of a digest, for whoever manages it.';

create function app.keep_as_field_says(of_school bigint, field bigint) returns void
language sql security definer set search_path = app, pg_temp as $$
  -- When each is due the trigger of its table says.
  update student_value v set set_at = v.set_at
   where v.school_id = of_school and v.field_id = field and manages_fields(of_school);
  update classroom_value v set set_at = v.set_at
   where v.school_id = of_school and v.field_id = field and manages_fields(of_school);
$$;
comment on function app.keep_as_field_says is 'Has all values of a field go by its time, for whoever manages it.';

create function app.erase_field(of_school bigint, field bigint, at timestamptz, out done text, out gone bigint)
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  -- Whoever writes in it at this moment comes before, and is counted, or finds no field any more.
  perform from custom_field f
   where f.school_id = of_school and f.id = field and f.erased_at is null and manages_fields(of_school)
     for update;
  if not found then
    done := 'not theirs';
    return;
  end if;
  if is_field_kept(of_school, field) then
    done := 'has to be kept';
    return;
  end if;
  with of_students as (
         delete from student_value v where v.school_id = of_school and v.field_id = field returning 1),
       of_classes as (
         delete from classroom_value v where v.school_id = of_school and v.field_id = field returning 1)
  select (select count(*) from of_students) + (select count(*) from of_classes) into gone;
  if exists (select from student_value v where v.school_id = of_school and v.field_id = field)
     or exists (select from classroom_value v where v.school_id = of_school and v.field_id = field) then
    raise 'Something of a field was left.';
  end if;
  update custom_field f
     set name = null, purpose = null, choices = null, need = null,
         erased_at = at, erased_by = (ids('account'))[1], values_gone = gone
   where f.school_id = of_school and f.id = field;
  done := 'erased';
end $$;
comment on function app.erase_field is
  'Erases a field of a school that the principal leads, or of the own personal one, with all that is written in it.';

revoke execute on function app.family_fields(), app.guarded_fields(), app.schools_in_charge(), app.fit_to_field(),
  app.hold_fields(bigint, bigint[]), app.is_field_kept(bigint, bigint), app.rooms_kept(bigint, bigint[]),
  app.forget_student_values(bigint, bigint, bigint[]), app.forget_classroom_values(bigint, bigint, bigint[]),
  app.manages_fields(bigint), app.count_in_field(bigint, bigint, bytea), app.keep_as_field_says(bigint, bigint),
  app.erase_field(bigint, bigint, timestamptz) from public;
grant execute on function app.family_fields(), app.forget_student_values(bigint, bigint, bigint[]),
  app.forget_classroom_values(bigint, bigint, bigint[]), app.count_in_field(bigint, bigint, bytea),
  app.keep_as_field_says(bigint, bigint), app.erase_field(bigint, bigint, timestamptz) to backoffice_app;
grant execute on function app.guarded_fields(), app.schools_in_charge(), app.hold_fields(bigint, bigint[])
  to backoffice_app;
grant execute on function app.family_fields(), app.guarded_fields(), app.schools_in_charge() to backoffice_system;

-- Of two students who are one child, what is written about the one that stays holds; the rest comes along.
create function app.take_values_of(of_school bigint, keeper bigint, merged bigint) returns void
language sql set search_path = app, pg_temp as $$
  -- In the order of whoever writes in fields or changes them.
  select from custom_field f
   where f.school_id = of_school
     and f.id in (select v.field_id from student_value v
                   where v.school_id = of_school and v.student_id in (keeper, merged))
   order by f.id for share;
  delete from student_value v
   using student_value k
   where v.school_id = of_school and v.student_id = merged
     and k.school_id = of_school and k.student_id = keeper and k.field_id = v.field_id;
  update student_value v set student_id = keeper where v.school_id = of_school and v.student_id = merged;
$$;
comment on function app.take_values_of is 'Gives a student what is written about another one, where nothing is of it.';
revoke execute on function app.take_values_of(bigint, bigint, bigint) from public;

create or replace function app.merge_students(of_school bigint, keeper bigint, merged bigint, moment timestamptz, mark uuid)
returns text
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  digest text;
begin
  -- In the order of whoever changes a class: the class, its students, their places. The lock of the classes is
  -- the one that a new place takes of its class.
  perform from classroom c
   where c.school_id = of_school
     and c.id in (select e.classroom_id from enrollment e
                   where e.school_id = of_school and e.student_id in (keeper, merged))
   order by c.id for key share;
  perform from student s where s.school_id = of_school and s.id in (keeper, merged) order by s.id for update;
  if (select count(*) from student s where s.school_id = of_school and s.id in (keeper, merged)) <> 2
     or not may_merge(of_school, array[keeper, merged]) then
    return 'not theirs';
  end if;
  -- What goes was found out, and what is made of it now nobody would look for.
  if exists (select from erasure e
              where e.stage in ('confirmed', 'held', 'noted', 'erased')
                and case e.subject
                      when 'student' then e.subject_id in (keeper, merged)
                      when 'classroom' then exists (
                        select from enrollment n
                         where n.school_id = of_school and n.classroom_id = e.subject_id
                           and n.student_id in (keeper, merged))
                      when 'school' then e.subject_id = of_school
                      when 'district' then exists (
                        select from school p where p.id = of_school and p.district_id = e.subject_id)
                      else exists (
                        select from school p join membership m on m.school_id = p.id
                         where p.id = of_school and p.kind = 'personal' and m.account_id = e.subject_id)
                    end) then
    return 'being erased';
  end if;
  if exists (select from guardian_request r
               join guardian_request k on k.school_id = r.school_id and k.account_id = r.account_id
                and k.kind = r.kind and k.student_id = keeper and k.answered_at is null
              where r.school_id = of_school and r.student_id = merged and r.answered_at is null) then
    return 'requests wait';
  end if;
  -- Whoever awards at this moment comes before or after, and then finds one child.
  perform from enrollment e where e.school_id = of_school and e.student_id in (keeper, merged)
    order by e.classroom_id, e.student_id for update;

  -- What was undone would be half of what it was.
  delete from roster_change r where r.school_id = of_school and exists (
    select from roster_change_student c where c.school_id = r.school_id and c.classroom_id = r.classroom_id
       and c.student_id in (keeper, merged));
  update student_card c set voided_at = moment
   where c.school_id = of_school and c.student_id = merged and c.voided_at is null;
  update student_session s set ended_at = moment
   where s.school_id = of_school and s.student_id = merged and s.ended_at is null;

  perform take_seats_of(of_school, keeper, merged);
  perform take_values_of(of_school, keeper, merged);
  update point_entry p set student_id = keeper where p.school_id = of_school and p.student_id = merged;
  update student_card c set student_id = keeper where c.school_id = of_school and c.student_id = merged;
  update student_session s set student_id = keeper where s.school_id = of_school and s.student_id = merged;
  update worry w set student_id = keeper where w.school_id = of_school and w.student_id = merged;
  update pin_override o set student_id = keeper where o.school_id = of_school and o.student_id = merged;
  update student_view v set student_id = keeper where v.school_id = of_school and v.student_id = merged;
  update guardian_request r set student_id = keeper where r.school_id = of_school and r.student_id = merged;

  -- Nobody is asked twice. Whoever follows both follows one; a link that was ended or refused stays so, and what
  -- was asked of that address for the other child is withdrawn: who decides anew asks anew.
  update guardian_invitation i set withdrawn_at = moment, token_digest = null
   where i.school_id = of_school and i.student_id = merged and i.code_digest is null
     and i.accepted_at is null and i.withdrawn_at is null
     and (exists (select from guardian_invitation k
                   where k.school_id = of_school and k.student_id = keeper and k.email_index = i.email_index
                     and k.code_digest is null and k.accepted_at is null and k.withdrawn_at is null)
          or exists (select from guardian_link l join account a on a.id = l.account_id
                      where l.school_id = of_school and l.student_id = keeper
                        and l.status in ('revoked', 'refused') and a.email_index = i.email_index));
  update guardian_invitation i set student_id = keeper where i.school_id = of_school and i.student_id = merged;
  update guardian_link k
     set status = g.status, name = g.name, approved_by = g.approved_by, approved_at = g.approved_at,
         ended_at = g.ended_at, told = g.told
    from guardian_link g
   where k.school_id = of_school and k.student_id = keeper
     and g.school_id = of_school and g.student_id = merged and g.account_id = k.account_id
     and array_position(array['revoked', 'refused', 'approved', 'waiting'], g.status)
       < array_position(array['revoked', 'refused', 'approved', 'waiting'], k.status);
  delete from guardian_link g
   using guardian_link k
   where g.school_id = of_school and g.student_id = merged
     and k.school_id = of_school and k.student_id = keeper and k.account_id = g.account_id;
  update guardian_link g set student_id = keeper where g.school_id = of_school and g.student_id = merged;

  select s.username_digest into digest from student s where s.school_id = of_school and s.id = merged;
  update student s set username_digest = null where s.school_id = of_school and s.id = merged;
  update student s set username_digest = coalesce(s.username_digest, digest)
   where s.school_id = of_school and s.id = keeper;

  -- What plugins keep of the one is kept of the other, unless they keep the same of the other already.
  perform move_plugin_rows(of_school, keeper, merged);

  -- A backup from before knows both: when the one is erased, the other one is known again by its mark.
  update merged_mark m set student_id = keeper where m.school_id = of_school and m.student_id = merged;
  insert into merged_mark (school_id, student_id, mark, number) values (of_school, keeper, mark, merged);

  delete from student s where s.school_id = of_school and s.id = merged;
  return 'merged';
end $$;

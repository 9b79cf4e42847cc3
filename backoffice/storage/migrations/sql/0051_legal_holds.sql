-- Legal holds: founders alone read them, and two of them place and release one. The system reads what is held.

alter table app.legal_hold enable row level security;
alter table app.legal_hold force row level security;
create policy owner on app.legal_hold to backoffice_owner using (true) with check (true);
create policy system on app.legal_hold to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');
create policy app_read on app.legal_hold for select to backoffice_app using ((select app.is_founder()));
-- A proposal, by oneself; what becomes of it is for the functions below, which ask who else it was.
create policy app_insert on app.legal_hold for insert to backoffice_app
  with check ((select app.is_founder()) and state = 'proposed'
              and proposed_by = any ((select app.ids('account'))::bigint[])
              and confirmed_by is null and confirmed_at is null and release_by is null and release_at is null
              and ended_by is null and ended_at is null);

grant select, insert on app.legal_hold to backoffice_app;
grant select, insert, update on app.legal_hold to backoffice_system;
grant usage on sequence app.legal_hold_id_seq to backoffice_app, backoffice_system;
alter table app.legal_hold alter column reason set statistics 0;

create function app.subject_to_hold(kind text, outside text) returns table (number bigint, school_id bigint)
language sql stable security definer set search_path = app, pg_temp as $$
  select s.id, s.school_id from student s where kind = 'student' and s.public_id = outside and is_founder()
  union all
  select c.id, c.school_id from classroom c where kind = 'classroom' and c.public_id = outside and is_founder()
  union all
  select a.id, null from account a where kind = 'account' and a.public_id = outside and is_founder()
  union all
  select p.id, p.id from school p where kind = 'school' and p.public_id = outside and is_founder()
  union all
  select d.id, null from district d where kind = 'district' and d.public_id = outside and is_founder()
$$;
comment on function app.subject_to_hold is
  'Number and school of what a founder names by its identifier to have it kept: nothing that says who it is.';

-- Between proposing and confirming, and between asking for a release and it, there are two people.
create function app.confirm_hold(number bigint, at timestamptz) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update legal_hold h set state = 'in force', confirmed_by = (ids('account'))[1], confirmed_at = at
   where h.id = number and h.state = 'proposed' and is_founder()
     and h.proposed_by is distinct from (ids('account'))[1];
  return found;
end $$;
comment on function app.confirm_hold is 'Puts a hold in force that another founder has proposed.';

create function app.withdraw_hold(number bigint, at timestamptz) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update legal_hold h set state = 'withdrawn', ended_by = (ids('account'))[1], ended_at = at
   where h.id = number and h.state = 'proposed' and is_founder();
  return found;
end $$;
comment on function app.withdraw_hold is 'Takes back a hold that nobody has confirmed.';

create function app.review_hold(number bigint, next date) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update legal_hold h set review_on = next, reminded_at = null, release_by = null, release_at = null
   where h.id = number and h.state = 'in force' and is_founder();
  return found;
end $$;
comment on function app.review_hold is 'Says that a hold is still needed, and when it is to be looked at again.';

create function app.ask_for_release(number bigint, at timestamptz) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update legal_hold h set release_by = (ids('account'))[1], release_at = at
   where h.id = number and h.state = 'in force' and h.release_by is null and is_founder();
  return found;
end $$;
comment on function app.ask_for_release is 'Asks for the end of a hold, which another founder confirms.';

create function app.release_hold(number bigint, at timestamptz) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update legal_hold h set state = 'released', ended_by = (ids('account'))[1], ended_at = at
   where h.id = number and h.state = 'in force' and is_founder()
     and h.release_by <> (ids('account'))[1];
  return found;
end $$;
comment on function app.release_hold is 'Ends a hold whose end another founder has asked for.';

create function app.holds_in_force() returns bigint
language sql stable security definer set search_path = app, pg_temp as $$
  select count(*) from legal_hold h where h.state = 'in force'
$$;
comment on function app.holds_in_force is 'How many legal holds are in force; the public page says so.';

-- ------------------------------------------------------------------- what deletes students besides erasing

create function app.students_kept(of_school bigint, students bigint[]) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select exists (
    select from legal_hold h
     where h.state in ('proposed', 'in force')
       and case h.subject
             when 'student' then h.subject_id = any (students)
             when 'classroom' then exists (
               select from enrollment e where e.school_id = of_school and e.classroom_id = h.subject_id
                  and e.student_id = any (students))
             when 'school' then h.subject_id = of_school
             when 'district' then exists (
               select from school p where p.id = of_school and p.district_id = h.subject_id)
             else exists (
               select from school p join membership m on m.school_id = p.id
                where p.id = of_school and p.kind = 'personal' and m.account_id = h.subject_id)
               or exists (
                 select from guardian_link g where g.school_id = of_school and g.account_id = h.subject_id
                    and g.student_id = any (students))
           end)
$$;
comment on function app.students_kept is
  'Whether something of one of these students has to be kept; whoever may merge them learns that alone.';

create or replace function app.forget_added(school bigint, classroom bigint) returns bigint
language sql security definer set search_path = app, pg_temp as $$
  with gone as (
    delete from student s
     using roster_change r, roster_change_student c
     where r.school_id = school and r.classroom_id = classroom
       and c.school_id = r.school_id and c.classroom_id = r.classroom_id and c.how = 'new'
       and s.school_id = c.school_id and s.id = c.student_id and s.created_at = r.at
       and (r.school_id = any (ids('led_schools')) or r.classroom_id = any (ids('classrooms')))
       and s.pin_hash is null and s.username_digest is null
       and not exists (select from enrollment e where e.school_id = s.school_id and e.student_id = s.id
                          and e.classroom_id <> classroom)
       and not exists (select from point_entry p where p.school_id = s.school_id and p.student_id = s.id
                          and p.classroom_id = classroom)
       and not exists (select from student_session t where t.school_id = s.school_id and t.student_id = s.id
                          and t.classroom_id = classroom)
       and not exists (select from guardian_link g where g.school_id = s.school_id and g.student_id = s.id)
       and not exists (select from guardian_invitation i where i.school_id = s.school_id and i.student_id = s.id)
       and not students_kept(s.school_id, array[s.id])
    returning 1)
  select count(*) from gone
$$;

-- Whatever else may come to delete: what is held itself, and what is in a school or district that is, stays.
create function app.refuse_what_is_held() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  kept boolean;
begin
  if not exists (select from legal_hold h where h.state in ('proposed', 'in force')) then
    return null;
  end if;
  execute format(
    'select exists (
       select from legal_hold h join gone g on %s
        where h.state in (''proposed'', ''in force''))',
    case tg_table_name
      when 'school' then 'h.subject = ''school'' and h.subject_id = g.id
                          or h.subject = ''district'' and h.subject_id = g.district_id'
      when 'district' then 'h.subject = ''district'' and h.subject_id = g.id'
      when 'account' then 'h.subject = ''account'' and h.subject_id = g.id'
      else format('h.subject = %L and h.subject_id = g.id
                   or h.subject = ''school'' and h.subject_id = g.school_id
                   or h.subject = ''district''
                      and exists (select from school p where p.id = g.school_id and p.district_id = h.subject_id)',
                  tg_table_name)
    end) into kept;
  if kept then
    raise exception 'a legal hold keeps what was to be deleted' using errcode = 'restrict_violation';
  end if;
  return null;
end $$;
comment on function app.refuse_what_is_held is 'The last resort: nothing deletes what a legal hold is on.';

do $$
declare
  t text;
begin
  foreach t in array array['student', 'classroom', 'account', 'school', 'district'] loop
    execute format('create trigger refuse_what_is_held after delete on app.%I
                    referencing old table as gone for each statement execute function app.refuse_what_is_held()', t);
  end loop;
end $$;

revoke execute on function app.subject_to_hold(text, text), app.confirm_hold(bigint, timestamptz),
  app.withdraw_hold(bigint, timestamptz), app.review_hold(bigint, date),
  app.ask_for_release(bigint, timestamptz), app.release_hold(bigint, timestamptz), app.holds_in_force(),
  app.students_kept(bigint, bigint[]), app.refuse_what_is_held() from public;
grant execute on function app.subject_to_hold(text, text), app.confirm_hold(bigint, timestamptz),
  app.withdraw_hold(bigint, timestamptz), app.review_hold(bigint, date),
  app.ask_for_release(bigint, timestamptz), app.release_hold(bigint, timestamptz) to backoffice_app;
grant execute on function app.holds_in_force(), app.students_kept(bigint, bigint[])
  to backoffice_app, backoffice_system;

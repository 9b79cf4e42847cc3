-- Two students who are one, colleagues in a class, and a new school year.

create function app.rooms_owned() returns bigint[]
language sql stable security definer set search_path = app, pg_temp as $$
  select array(select t.classroom_id from teaching_role t
                where t.account_id = any (ids('account')) and t.role = 'owner'
                  and t.classroom_id = any (ids('classrooms')))
$$;
comment on function app.rooms_owned is 'Classrooms that the principal owns.';

-- ------------------------------------------------------------------------------ two students who are one

create function app.may_merge(of_school bigint, of_students bigint[]) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select of_school = any (ids('led_schools'))
      or (not exists (select from unnest(of_students) as s (id)
                       where not exists (select from enrollment e
                                          where e.school_id = of_school and e.student_id = s.id
                                            and e.ended_at is null
                                            and e.classroom_id = any (rooms_owned())))
          and not exists (select from enrollment e
                            join classroom c on c.school_id = e.school_id and c.id = e.classroom_id
                           where e.school_id = of_school and e.student_id = any (of_students)
                             and e.ended_at is null and c.archived_at is null
                             and e.classroom_id <> all (rooms_owned())))
$$;
comment on function app.may_merge is
  'Whether these students are the principal''s alone to merge: of a school led, or in no class of anybody else''s.';

-- The web may not call it: it would add whomever to whatever class.
create function app.take_seats_of(of_school bigint, keeper bigint, merged bigint) returns void
language sql security definer set search_path = app, pg_temp as $$
  insert into enrollment as e (school_id, classroom_id, student_id, alias, avatar, balance, goal, joined_at,
                               ended_at)
  select g.school_id, g.classroom_id, keeper, g.alias, g.avatar, g.balance, g.goal, g.joined_at, g.ended_at
    from enrollment g where g.school_id = of_school and g.student_id = merged
  on conflict (school_id, classroom_id, student_id) do update
     set balance = e.balance + excluded.balance, alias = coalesce(e.alias, excluded.alias),
         goal = coalesce(e.goal, excluded.goal), joined_at = least(e.joined_at, excluded.joined_at),
         ended_at = case when e.ended_at is not null and excluded.ended_at is not null
                         then greatest(e.ended_at, excluded.ended_at) end
$$;
comment on function app.take_seats_of is 'Gives one student the places of another in classes, with their points.';
revoke execute on function app.take_seats_of(bigint, bigint, bigint) from public;

create function app.merge_students(of_school bigint, keeper bigint, merged bigint, moment timestamptz)
returns text
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  digest text;
  place record;
begin
  perform from student s where s.school_id = of_school and s.id in (keeper, merged) order by s.id for update;
  if (select count(*) from student s where s.school_id = of_school and s.id in (keeper, merged)) <> 2
     or not may_merge(of_school, array[keeper, merged]) then
    return 'not theirs';
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

  -- What plugins keep of the one is kept of the other, unless they keep that of the other already.
  for place in
    select c.conrelid::regclass as here,
           max(a.attname) filter (where f.attname = 'school_id') as school,
           max(a.attname) filter (where f.attname = 'id') as student
      from pg_constraint c
     cross join lateral unnest(c.conkey, c.confkey) as k (own, theirs)
      join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.own
      join pg_attribute f on f.attrelid = c.confrelid and f.attnum = k.theirs
     where c.contype = 'f' and c.confrelid = 'app.student'::regclass
       and c.connamespace <> 'app'::regnamespace
     group by c.oid, c.conrelid
  loop
    begin
      execute format('update %s set %I = $1 where %I = $2 and %I = $3',
                     place.here, place.student, place.school, place.student)
        using keeper, of_school, merged;
    exception when unique_violation then
      null;
    end;
  end loop;

  delete from student s where s.school_id = of_school and s.id = merged;
  return 'merged';
end $$;
comment on function app.merge_students is
  'Makes one student of two whom the principal may merge: everything of the second is the first''s, and the second is gone.';

revoke execute on function app.rooms_owned(), app.may_merge(bigint, bigint[]),
  app.merge_students(bigint, bigint, bigint, timestamptz) from public;
grant execute on function app.rooms_owned(), app.may_merge(bigint, bigint[])
  to backoffice_app, backoffice_system;
grant execute on function app.merge_students(bigint, bigint, bigint, timestamptz) to backoffice_app;

-- -------------------------------------------------------------------------------- colleagues in a class

create function app.may_assign(of_school bigint, of_classroom bigint) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select of_school = any (ids('led_schools')) or of_classroom = any (rooms_owned())
$$;
comment on function app.may_assign is 'Whether the principal chooses who teaches a class: its owner, or a leader of its school.';

create function app.colleagues(of_school bigint, of_classroom bigint)
returns table (account_id bigint, public_id text, name bytea)
language sql stable security definer set search_path = app, pg_temp as $$
  select a.id, a.public_id, a.name from account a
   where a.status = 'active'
     and a.id in (select m.account_id from membership m
                   where m.school_id = of_school and m.suspended_at is null and m.role in ('teacher', 'leader'))
     and not (leads(a.id, of_school) and of_school <> all (ids('led_schools')))
     and not exists (select from teaching_role t where t.school_id = of_school
                        and t.classroom_id = of_classroom and t.account_id = a.id)
     and exists (select from classroom c where c.school_id = of_school and c.id = of_classroom
                    and (c.school_id = any (ids('led_schools')) or c.id = any (rooms_owned())))
$$;
comment on function app.colleagues is
  'Who works at the school of a class that the principal owns or leads, and has no role in the class.';

-- What a child tells past the grown-ups of its class reaches the leaders who do not work in it: no teacher makes
-- a leader one of those.
create function app.may_be_given(of_account bigint, of_school bigint) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select of_account = any (ids('account'))
      or (works_at(of_account, of_school)
          and (of_school = any (ids('led_schools')) or not leads(of_account, of_school)))
$$;
comment on function app.may_be_given is
  'Whether the principal may give an account a role in a class of a school: the own, or of who works there and does not lead it.';

-- Whoever co-teaches or helps brings nobody in.
drop policy app_insert on app.teaching_role;
create policy app_insert on app.teaching_role for insert to backoffice_app
  with check ((school_id = any ((select app.ids('led_schools'))::bigint[])
               or (school_id = any ((select app.ids('staffed_schools'))::bigint[])
                   and (classroom_id = any ((select app.rooms_owned())::bigint[])
                        or classroom_id = any ((select app.ids('made_classrooms'))::bigint[]))))
              and app.may_be_given(account_id, school_id));
create function app.has_other_owner(of_school bigint, of_classroom bigint, of_account bigint) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  -- Owners who go at the same time go one after the other.
  perform from classroom c where c.school_id = of_school and c.id = of_classroom for update;
  -- One who cannot act is none.
  return exists (select from teaching_role t
                   join account a on a.id = t.account_id and a.status = 'active'
                  where t.school_id = of_school and t.classroom_id = of_classroom
                    and t.role = 'owner' and t.account_id <> of_account
                    and not exists (select from membership m
                                     where m.school_id = t.school_id and m.account_id = t.account_id
                                       and m.suspended_at is not null));
end $$;
comment on function app.has_other_owner is
  'Whether a class has an owner without this one, who can act. Who asks holds the class.';

create function app.is_needed(of_school bigint, of_classroom bigint, of_account bigint) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  has_other boolean := has_other_owner(of_school, of_classroom, of_account);
begin
  return not has_other
     and exists (select from teaching_role t
                  where t.school_id = of_school and t.classroom_id = of_classroom
                    and t.account_id = of_account and t.role = 'owner');
end $$;
comment on function app.is_needed is 'Whether somebody is the only owner of a class.';

create function app.change_teaching_role(
  of_school bigint, of_classroom bigint, of_account bigint, new_role text)
returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  if not may_assign(of_school, of_classroom)
     or (new_role <> 'owner' and is_needed(of_school, of_classroom, of_account)) then
    return false;
  end if;
  update teaching_role t set role = new_role
   where t.school_id = of_school and t.classroom_id = of_classroom and t.account_id = of_account;
  return found;
end $$;
comment on function app.change_teaching_role is
  'Makes somebody of a class owned or led its owner, co-teacher or helper. A class keeps an owner.';

create function app.end_teaching_role(of_school bigint, of_classroom bigint, of_account bigint)
returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  if not (of_account = any (ids('account')) or may_assign(of_school, of_classroom))
     or is_needed(of_school, of_classroom, of_account) then
    return false;
  end if;
  delete from teaching_role t
   where t.school_id = of_school and t.classroom_id = of_classroom and t.account_id = of_account;
  if not found then return false; end if;
  -- A personal school is one teacher's: whoever came for a class of it is of the school as long as for a class.
  delete from membership m using school s
   where s.id = of_school and s.kind = 'personal' and m.school_id = s.id and m.account_id = of_account
     and m.role = 'teacher' and m.origin = 'invitation'
     and not exists (select from teaching_role t where t.school_id = s.id and t.account_id = of_account);
  return true;
end $$;
comment on function app.end_teaching_role is
  'Ends somebody''s role in a class: the own, or any in a class owned or led. A class keeps an owner.';

-- An invitation beside an owner is worth what its sender is: the owner of that very class, and of the school.
create or replace function app.stands(it app.invitation) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select exists (select from account a where a.id = it.invited_by and a.status = 'active')
     and (leads(it.invited_by, it.school_id)
          or it.role in ('co_teacher', 'helper')
             and exists (select from teaching_role t
                           join membership m on m.account_id = t.account_id and m.school_id = t.school_id
                                            and m.suspended_at is null
                          where t.school_id = it.school_id and t.classroom_id = it.classroom_id
                            and t.account_id = it.invited_by and t.role = 'owner'))
     and not exists (select from suspension s join account a on a.id = s.account_id
                      where a.email_index = it.email_index and s.school_id = it.school_id)
$$;

create function app.staff_of_rooms_owned() returns bigint[]
language sql stable security definer set search_path = app, pg_temp as $$
  select array(select t.account_id from teaching_role t where t.classroom_id = any (rooms_owned()))
$$;
comment on function app.staff_of_rooms_owned is 'Whoever has a role in a class that the principal owns.';

-- To oneself, in a school that one leads to its people, in a class that one owns to its staff, and between founders.
drop policy app_insert on app.mail;
create policy app_insert on app.mail for insert to backoffice_app
  with check (state = 'queued' and attempts = 0 and (
    (account_id = any ((select app.ids('account'))::bigint[])
     and (school_id is null or school_id = any ((select app.ids('schools'))::bigint[])))
    or (account_id = any ((select app.people())::bigint[])
        and school_id = any ((select app.ids('led_schools'))::bigint[]))
    or (account_id = any (app.staff_of_rooms_owned())
        and school_id = any ((select app.ids('staffed_schools'))::bigint[]))
    or ((select app.is_founder()) and school_id is null
        and account_id in (select f.account_id from app.other_founders() f))));

drop policy app_read on app.invitation;
drop policy app_insert on app.invitation;
drop policy app_write on app.invitation;
create policy app_read on app.invitation for select to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or (role in ('co_teacher', 'helper') and classroom_id = any ((select app.rooms_owned())::bigint[])));
create policy app_insert on app.invitation for insert to backoffice_app
  with check ((school_id = any ((select app.ids('led_schools'))::bigint[])
               or (role in ('co_teacher', 'helper')
                   and classroom_id = any ((select app.rooms_owned())::bigint[])))
              and invited_by = any ((select app.ids('account'))::bigint[])
              and token_digest is null and accepted_at is null and withdrawn_at is null);
create policy app_write on app.invitation for update to backoffice_app
  using ((school_id = any ((select app.ids('led_schools'))::bigint[])
          or (role in ('co_teacher', 'helper') and classroom_id = any ((select app.rooms_owned())::bigint[])))
         and accepted_at is null and withdrawn_at is null)
  with check ((school_id = any ((select app.ids('led_schools'))::bigint[])
               or (role in ('co_teacher', 'helper')
                   and classroom_id = any ((select app.rooms_owned())::bigint[])))
              and token_digest is null);

revoke execute on function app.may_be_given(bigint, bigint), app.is_needed(bigint, bigint, bigint) from public;
grant execute on function app.may_be_given(bigint, bigint) to backoffice_app, backoffice_system;
revoke execute on function app.may_assign(bigint, bigint), app.colleagues(bigint, bigint), app.staff_of_rooms_owned(),
  app.change_teaching_role(bigint, bigint, bigint, text),
  app.has_other_owner(bigint, bigint, bigint), app.end_teaching_role(bigint, bigint, bigint) from public;
grant execute on function app.may_assign(bigint, bigint), app.colleagues(bigint, bigint), app.staff_of_rooms_owned(),
  app.change_teaching_role(bigint, bigint, bigint, text), app.has_other_owner(bigint, bigint, bigint),
  app.end_teaching_role(bigint, bigint, bigint) to backoffice_app;

-- ------------------------------------------------------------------------------------ a new school year

-- A class that this very transaction has made is its maker's to fill, before it has a teacher.
drop policy app_insert on app.enrollment;
create policy app_insert on app.enrollment for insert to backoffice_app
  with check (school_id = any ((select app.ids('led_schools'))::bigint[])
              or ((classroom_id = any ((select app.ids('classrooms'))::bigint[])
                   or classroom_id = any ((select app.ids('made_classrooms'))::bigint[]))
                  and (student_id = any ((select app.taught())::bigint[])
                       or student_id = any ((select app.ids('made_students'))::bigint[]))));

do $$
declare
  t text;
begin
  foreach t in array array['action', 'roster_change_student'] loop
    execute format('drop policy app_insert on app.%I', t);
    execute format('create policy app_insert on app.%I for insert to backoffice_app
                    with check (school_id = any ((select app.ids(''led_schools''))::bigint[])
                                or classroom_id = any ((select app.ids(''classrooms''))::bigint[])
                                or classroom_id = any ((select app.ids(''made_classrooms''))::bigint[]))', t);
  end loop;
end $$;
drop policy app_insert on app.roster_change;
create policy app_insert on app.roster_change for insert to backoffice_app
  with check ((school_id = any ((select app.ids('led_schools'))::bigint[])
               or classroom_id = any ((select app.ids('classrooms'))::bigint[])
               or classroom_id = any ((select app.ids('made_classrooms'))::bigint[]))
              and by = any ((select app.ids('account'))::bigint[]));

create function app.forget_roster_changes(of_school bigint, of_classrooms bigint[]) returns void
language sql security definer set search_path = app, pg_temp as $$
  delete from roster_change r
   where r.school_id = of_school and r.classroom_id = any (of_classrooms)
     and (r.school_id = any (ids('led_schools')) or r.classroom_id = any (ids('classrooms')))
$$;
comment on function app.forget_roster_changes is 'Forgets the last changes of the rosters of classes that end together.';
revoke execute on function app.forget_roster_changes(bigint, bigint[]) from public;
grant execute on function app.forget_roster_changes(bigint, bigint[]) to backoffice_app;

-- ------------------------------------------------------------------ whose children are somebody else's now

-- An archived class stays readable to whoever taught it. Its children are in other classes now: what is decided
-- about them, and who their parents are, is their teachers' of today.
create function app.taught_today() returns bigint[]
language sql stable security definer set search_path = app, pg_temp as $$
  select array(select e.student_id from enrollment e
                 join classroom c on c.school_id = e.school_id and c.id = e.classroom_id
                where e.classroom_id = any (ids('classrooms')) and e.ended_at is null
                  and c.archived_at is null)
$$;
comment on function app.taught_today is 'Students enrolled in the classrooms that the principal teaches and that are not archived.';
revoke execute on function app.taught_today() from public;
grant execute on function app.taught_today() to backoffice_app, backoffice_system;

create or replace function app.children_in_charge() returns bigint[]
language sql stable security definer set search_path = app, pg_temp as $$
  select array(select e.student_id from enrollment e
                 join classroom c on c.school_id = e.school_id and c.id = e.classroom_id
                where e.classroom_id = any (rooms_in_charge()) and e.ended_at is null
                  and c.archived_at is null)
$$;

alter policy app_write on app.student
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or id = any ((select app.taught_today())::bigint[]));
alter policy app_read on app.guardian_link
  using (account_id = any ((select app.ids('account'))::bigint[])
         or school_id = any ((select app.ids('led_schools'))::bigint[])
         or student_id = any ((select app.taught_today())::bigint[]));
alter policy app_write on app.guardian_link
  using (account_id = any ((select app.ids('account'))::bigint[])
         or school_id = any ((select app.ids('led_schools'))::bigint[])
         or student_id = any ((select app.taught_today())::bigint[]))
  with check (case when account_id = any ((select app.ids('account'))::bigint[]) then status = 'revoked'
                   else (school_id = any ((select app.ids('led_schools'))::bigint[])
                         or student_id = any ((select app.taught_today())::bigint[]))
                    and (status <> 'approved' or approved_by = any ((select app.ids('account'))::bigint[])) end);
alter policy app_read on app.guardian_invitation
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or student_id = any ((select app.taught_today())::bigint[]));
alter policy app_insert on app.guardian_invitation
  with check ((school_id = any ((select app.ids('led_schools'))::bigint[])
               or student_id = any ((select app.taught_today())::bigint[]))
              and invited_by = any ((select app.ids('account'))::bigint[])
              and token_digest is null and accepted_at is null and withdrawn_at is null);
alter policy app_write on app.guardian_invitation
  using ((school_id = any ((select app.ids('led_schools'))::bigint[])
          or student_id = any ((select app.taught_today())::bigint[]))
         and accepted_at is null and withdrawn_at is null)
  with check ((school_id = any ((select app.ids('led_schools'))::bigint[])
               or student_id = any ((select app.taught_today())::bigint[]))
              and token_digest is null and code is null
              and (withdrawn_at is not null or invited_by = any ((select app.ids('account'))::bigint[])));

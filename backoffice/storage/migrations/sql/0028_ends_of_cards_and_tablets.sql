-- Cards and tablets end with what they stand on, and whoever comes in at the very moment of an end stays out.

-- ------------------------------------------------------------------------------- children who leave a class

-- Whoever leaves a class leaves their card and their sessions behind, and does not find them again on coming
-- back. By a trigger: rosters, moves, imports and undoing each end enrollments with statements of their own.
create function app.end_ways_in() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update student_card k set voided_at = new.ended_at
   where k.school_id = new.school_id and k.classroom_id = new.classroom_id and k.student_id = new.student_id
     and k.voided_at is null;
  update student_session s set ended_at = new.ended_at
   where s.school_id = new.school_id and s.classroom_id = new.classroom_id and s.student_id = new.student_id
     and s.ended_at is null;
  return null;
end $$;
comment on function app.end_ways_in is 'Voids the card and ends the sessions of a child that leaves a class.';

create trigger end_ways_in after update of ended_at on app.enrollment
  for each row when (old.ended_at is null and new.ended_at is not null) execute function app.end_ways_in();

-- An archived class has no code any more, nor cards that do what a code does.
create or replace function app.end_sessions_of_archived() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update student_card k set voided_at = new.archived_at
   where k.school_id = new.school_id and k.classroom_id = new.id and k.voided_at is null;
  update student_session s set ended_at = new.archived_at
   where s.school_id = new.school_id and s.classroom_id = new.id and s.ended_at is null;
  return null;
end $$;
comment on function app.end_sessions_of_archived is
  'Whoever is in when a class is archived is out, by code or card, and its cards are void.';

update app.student_card k set voided_at = coalesce(e.ended_at, c.archived_at)
  from app.enrollment e join app.classroom c on c.school_id = e.school_id and c.id = e.classroom_id
 where e.school_id = k.school_id and e.classroom_id = k.classroom_id and e.student_id = k.student_id
   and (e.ended_at is not null or c.archived_at is not null) and k.voided_at is null;
update app.student_session s set ended_at = e.ended_at
  from app.enrollment e
 where e.school_id = s.school_id and e.classroom_id = s.classroom_id and e.student_id = s.student_id
   and e.ended_at is not null and s.ended_at is null;

revoke execute on function app.end_ways_in() from public;

-- --------------------------------------------------------------------------- tablets of somebody who is gone

-- One rule: a tablet is its class's while whoever paired it could pair it now. Whoever takes the class over
-- pairs anew. It is voided for good, so that nobody who comes back brings an old tablet with them.
create function app.may_pair(of_account bigint, school bigint, classroom bigint) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select exists (select from account a where a.id = of_account and a.status not in ('suspended', 'deactivated'))
     and (leads(of_account, school)
          or exists (select from teaching_role t
                       join membership m on m.account_id = t.account_id and m.school_id = t.school_id
                                        and m.role = 'teacher' and m.suspended_at is null
                      where t.school_id = school and t.classroom_id = classroom and t.account_id = of_account
                        and t.role <> 'helper'))
$$;
comment on function app.may_pair is 'Whether an account may pair tablets with a class: an owner, a co-teacher or a leader.';

-- The moment is the database's own: no rule asks when a tablet was voided.
create function app.void_tablets_of() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  case tg_table_name
    when 'account' then
      update classroom_tablet t set voided_at = clock_timestamp()
       where t.paired_by = old.id and t.voided_at is null;
    when 'classroom_tablet' then
      update classroom_tablet t set voided_at = clock_timestamp()
       where t.school_id = new.school_id and t.id = new.id and t.voided_at is null;
    when 'school' then
      update classroom_tablet t set voided_at = clock_timestamp()
       where t.school_id = old.id and t.voided_at is null
         and not may_pair(t.paired_by, t.school_id, t.classroom_id);
    else
      update classroom_tablet t set voided_at = clock_timestamp()
       where t.paired_by = old.account_id and t.voided_at is null
         and not may_pair(t.paired_by, t.school_id, t.classroom_id);
  end case;
  return null;
end $$;
comment on function app.void_tablets_of is 'Voids the tablets of whoever may not pair them any more.';

create trigger void_tablets_of after delete or update of account_id, role on app.teaching_role
  for each row execute function app.void_tablets_of();
create trigger void_tablets_of after delete or update of account_id, school_id, district_id, role, suspended_at
  on app.membership for each row execute function app.void_tablets_of();
create trigger void_tablets_of after update of district_id on app.school
  for each row when (old.district_id is distinct from new.district_id) execute function app.void_tablets_of();
create trigger void_tablets_of after update of status on app.account
  for each row when (new.status in ('suspended', 'deactivated')) execute function app.void_tablets_of();
-- Of an account that is erased.
create trigger void_tablets_of after update of paired_by on app.classroom_tablet
  for each row when (new.paired_by is null) execute function app.void_tablets_of();

update app.classroom_tablet t set voided_at = clock_timestamp()
 where t.voided_at is null
   and (t.paired_by is null or not app.may_pair(t.paired_by, t.school_id, t.classroom_id));

revoke execute on function app.may_pair(bigint, bigint, bigint), app.void_tablets_of() from public;

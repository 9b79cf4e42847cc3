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

-- What a class shows of its children at the door, and the end of a session with the lesson.

grant update (names_shown) on app.classroom to backoffice_app;

-- ---------------------------------------------------------------------------------- names behind the code

create function app.class_behind_code(index_of_code bytea, at timestamptz)
returns table (school_id bigint, classroom_id bigint, names_shown text)
language sql stable security definer set search_path = app, pg_temp as $$
  select o.school_id, o.classroom_id, c.names_shown
    from open_code(index_of_code, at) o
    join classroom c on c.school_id = o.school_id and c.id = o.classroom_id
$$;
comment on function app.class_behind_code is
  'The class whose code this is and how it shows its children, if its door is open now.';

-- A name that the class does not show does not leave the database.
create or replace function app.names_behind_code(index_of_code bytea, at timestamptz)
returns table (public_id text, given_name bytea, family_name bytea, alias bytea, avatar text)
language sql stable security definer set search_path = app, pg_temp as $$
  select s.public_id,
         case when o.names_shown = 'names' then s.given_name end,
         case when o.names_shown = 'names' then s.family_name end,
         case when o.names_shown in ('names', 'aliases') then e.alias end,
         e.avatar
    from class_behind_code(index_of_code, at) o
    join enrollment e on e.school_id = o.school_id and e.classroom_id = o.classroom_id
                     and e.ended_at is null
    join student s on s.school_id = e.school_id and s.id = e.student_id
   where o.names_shown <> 'usernames'
$$;

create function app.child_by_username(index_of_code bytea, digest text, at timestamptz) returns text
language sql stable security definer set search_path = app, pg_temp as $$
  select s.public_id
    from class_behind_code(index_of_code, at) o
    join student s on s.school_id = o.school_id and s.username_digest = digest
    join enrollment e on e.school_id = o.school_id and e.classroom_id = o.classroom_id
                     and e.student_id = s.id and e.ended_at is null
   where o.names_shown = 'usernames'
$$;
comment on function app.child_by_username is
  'The child with this username in the class behind an open code, if the class asks for usernames.';

create function app.names_shown(of_classroom bigint) returns text
language sql stable security definer set search_path = app, pg_temp as $$
  select c.names_shown from classroom c where c.id = of_classroom
$$;
comment on function app.names_shown is 'How a class shows its children.';

-- ------------------------------------------------------------------------------------------------- ends

create function app.class_is_open(of_school bigint, of_classroom bigint, at timestamptz) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select exists (select from classroom c join school h on h.id = c.school_id
                  where c.school_id = of_school and c.id = of_classroom
                    and door_is_open(c.door, c.door_until, c.door_from, c.door_to, h.school_days, h.time_zone, at))
$$;
comment on function app.class_is_open is 'Whether the door of a class is open at a moment.';

-- A child may finish what it is at when the time is up. Both moments: a door that has just opened was closed
-- before. A door that a teacher closes is closed at once.
create function app.lesson_goes_on(of_school bigint, of_classroom bigint, at timestamptz) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select class_is_open(of_school, of_classroom, at)
      or class_is_open(of_school, of_classroom, at - interval '2 minutes')
$$;
comment on function app.lesson_goes_on is 'Whether the children of a class stay in: while the door is open, and 2 minutes more.';

create or replace function app.enter_student(token uuid, at timestamptz)
returns table (
  session_id bigint, school_id bigint, classroom_id bigint, student_id bigint, student_public_id text,
  time_zone text, idle_minutes integer, expires_at timestamptz
)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
begin
  select s.id, s.school_id, s.classroom_id, s.student_id, p.public_id, h.time_zone, s.idle_minutes,
         s.expires_at
    into session_id, school_id, classroom_id, student_id, student_public_id, time_zone, idle_minutes,
         expires_at
    from student_session s
    join school h on h.id = s.school_id
    join student p on p.school_id = s.school_id and p.id = s.student_id
    join enrollment e on e.school_id = s.school_id and e.classroom_id = s.classroom_id
                     and e.student_id = s.student_id and e.ended_at is null
   where s.token_id = token and s.ended_at is null and s.expires_at > at
     and s.last_seen_at + make_interval(mins => s.idle_minutes) > at
     and lesson_goes_on(s.school_id, s.classroom_id, at);
  if not found then return; end if;
  update student_session s set last_seen_at = at
   where s.school_id = enter_student.school_id and s.id = session_id and s.last_seen_at + interval '20 seconds' < at;
  perform set_ids('student_session', array[session_id]);
  perform set_ids('students', array[student_id]);
  perform set_ids('own_classrooms', array[classroom_id]);
  return next;
end $$;

create function app.why_over(token uuid, at timestamptz) returns text
language sql stable security definer set search_path = app, pg_temp as $$
  select case
           when s.ended_at is not null then 'ended'
           when s.expires_at <= at or s.last_seen_at + make_interval(mins => s.idle_minutes) <= at then 'idle'
           when not lesson_goes_on(s.school_id, s.classroom_id, at) then 'lesson'
           else 'ended'
         end
    from student_session s where s.token_id = token
$$;
comment on function app.why_over is
  'Why a student session lets nobody in any more: it was idle, the lesson is over, or somebody ended it.';

revoke execute on function app.class_behind_code(bytea, timestamptz),
  app.child_by_username(bytea, text, timestamptz), app.names_shown(bigint),
  app.class_is_open(bigint, bigint, timestamptz), app.lesson_goes_on(bigint, bigint, timestamptz),
  app.why_over(uuid, timestamptz) from public;
grant execute on function app.class_behind_code(bytea, timestamptz),
  app.child_by_username(bytea, text, timestamptz), app.names_shown(bigint), app.why_over(uuid, timestamptz)
  to backoffice_app, backoffice_system;

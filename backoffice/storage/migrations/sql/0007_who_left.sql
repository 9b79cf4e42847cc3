-- Who teaches a class may recognise a child that comes back to it. Students who left a class are out of sight
-- of its teachers; this looks past that for one class at a time, and only for those who see its students.

create function app.who_left(school bigint, classroom bigint)
returns table (student_id bigint, given_name bytea, family_name bytea)
language sql stable security definer set search_path = app, pg_temp as $$
  select s.id, s.given_name, s.family_name
    from enrollment e
    join student s on s.school_id = e.school_id and s.id = e.student_id
   where e.school_id = school and e.classroom_id = classroom and e.ended_at is not null
     and (e.school_id = any (ids('led_schools')) or e.classroom_id = any (ids('classrooms')))
$$;
comment on function app.who_left is
  'Former students of a class that the principal teaches or leads, to recognise who comes back.';

revoke execute on function app.who_left(bigint, bigint) from public;
grant execute on function app.who_left(bigint, bigint) to backoffice_app, backoffice_system;

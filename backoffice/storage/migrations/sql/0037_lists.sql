-- The day on which a child was last in, as its school counts days. A day and not a moment, on purpose: it is for
-- finding whom nobody has seen for long, not for following anybody's hours. The database notes it where a session
-- begins, whichever way a child comes in, and the web may write it no more than any other way.

alter table app.student add column active_on date;

update app.student s
   set active_on = (greatest(s.created_at, i.last) at time zone c.time_zone)::date
  from app.student t
  join app.school c on c.id = t.school_id
  left join (select school_id, student_id, max(started_at) as last
               from app.student_session group by school_id, student_id) i
    on i.school_id = t.school_id and i.student_id = t.id
 where s.school_id = t.school_id and s.id = t.id;

alter table app.student alter column active_on set not null;

create function app.note_added() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  select (new.created_at at time zone c.time_zone)::date into new.active_on from school c where c.id = new.school_id;
  return new;
end $$;
comment on function app.note_added is 'Has a child count from the day on which it was added.';
revoke all on function app.note_added() from public;

create trigger note_added before insert on app.student
  for each row when (new.active_on is null) execute function app.note_added();

create function app.note_visit() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update student s set active_on = (new.started_at at time zone c.time_zone)::date
    from school c
   where s.school_id = new.school_id and s.id = new.student_id and c.id = new.school_id
     and s.active_on < (new.started_at at time zone c.time_zone)::date;
  return null;
end $$;
comment on function app.note_visit is 'Notes the day on which a child comes in; once a day.';
revoke all on function app.note_visit() from public;

-- With merged students the sessions of the one become the other's.
create trigger note_visit after insert or update of student_id on app.student_session
  for each row execute function app.note_visit();

-- Imports end what imports gave, and go on in the class that followed. Whether a place in a class was given by
-- one is noted by the database, and nobody on the web says which class follows one that is not theirs.

-- An import says itself what it gives, and makes very many rows.
create trigger note_origin before insert on app.enrollment
  for each row when (current_user <> 'backoffice_system') execute function app.note_origin();
-- Whoever lets a child back in has given the place from then on.
create trigger note_origin_of_return before update of ended_at on app.enrollment
  for each row when (old.ended_at is not null and new.ended_at is null) execute function app.note_origin();

-- What the school's own system says is not for the web to write.
revoke insert on app.enrollment from backoffice_app;
grant insert (school_id, classroom_id, student_id, alias, avatar, balance, goal, joined_at, ended_at)
  on app.enrollment to backoffice_app;

-- What is said of a class goes on in the one that follows it.
drop policy app_insert on app.classroom;
create policy app_insert on app.classroom for insert to backoffice_app
  with check (school_id = any ((select app.ids('staffed_schools'))::bigint[])
              and (follows is null
                   or school_id = any ((select app.ids('led_schools'))::bigint[])
                   or follows = any ((select app.rooms_owned())::bigint[])));

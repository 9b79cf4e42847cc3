-- Past whom a child tells is settled when it tells: whoever leaves the class later learns nothing by it, and a leader who
-- joins it later still reads what the child meant for the leaders.

create function app.works_in(of_school bigint, of_classroom bigint) returns bigint[]
language sql stable security definer set search_path = app, pg_temp as $$
  select array(select t.account_id from teaching_role t
                where t.school_id = of_school and t.classroom_id = of_classroom order by t.account_id)
$$;
comment on function app.works_in is 'Who has a role in a class.';
revoke execute on function app.works_in(bigint, bigint) from public;

update app.worry w
   set told_past = case w.goes_to when 'leader' then app.works_in(w.school_id, w.classroom_id) else '{}' end;

-- The child who tells may not see who teaches, and the web not write it.
create function app.note_told_past() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  new.told_past := case new.goes_to when 'leader' then works_in(new.school_id, new.classroom_id) else '{}' end;
  return new;
end $$;
comment on function app.note_told_past is 'Notes past whom a child tells the leaders.';
revoke execute on function app.note_told_past() from public;
create trigger note_told_past before insert on app.worry
  for each row execute function app.note_told_past();

alter policy app_read on app.worry
  using ((goes_to = 'teacher' and classroom_id = any ((select app.rooms_in_charge())::bigint[]))
         or (school_id = any ((select app.ids('led_schools'))::bigint[])
             and not told_past && (select app.ids('account'))::bigint[]));
alter policy app_write on app.worry
  using ((goes_to = 'teacher' and classroom_id = any ((select app.rooms_in_charge())::bigint[]))
         or (school_id = any ((select app.ids('led_schools'))::bigint[])
             and not told_past && (select app.ids('account'))::bigint[]));

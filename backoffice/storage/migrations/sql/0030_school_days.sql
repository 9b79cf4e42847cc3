-- A function, so that the web still has no right to these columns, and the owner of a personal school none to others.

create function app.set_school_days(of_school bigint, new_days text[], new_zone text) returns text
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  if not (of_school = any (ids('led_schools'))
          or exists (select from classroom c join school s on s.id = c.school_id
                      where s.id = of_school and s.kind = 'personal' and c.id = any (rooms_owned()))) then
    return 'not theirs';
  end if;
  begin
    -- With a zone that is none, no door of the school could be asked whether it is open.
    perform timestamptz 'epoch' at time zone new_zone;
  exception when invalid_parameter_value then
    return 'no such zone';
  end;
  update school s set school_days = new_days, time_zone = new_zone where s.id = of_school;
  return 'set';
end $$;
comment on function app.set_school_days is
  'Sets the days and the time zone of a school that the principal leads, or of the own personal one.';
revoke execute on function app.set_school_days(bigint, text[], text) from public;
grant execute on function app.set_school_days(bigint, text[], text) to backoffice_app;

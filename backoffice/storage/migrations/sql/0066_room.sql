-- What a plan can limit is counted for a whole school, of which a teacher sees their own classes alone. Numbers, and
-- of addresses whether they are among those who work there, which whoever invites them is told in any case.
create function app.may_count(of_school bigint) returns boolean
language sql stable set search_path = app, pg_temp as $$
  select of_school = any (ids('led_schools')) or of_school = any (ids('staffed_schools'))
      or is_founder() or purpose() <> ''
$$;
comment on function app.may_count is 'Whether the principal may know how many of anything a school has.';
revoke execute on function app.may_count(bigint) from public;

-- Who has a place there with an account in use, or an invitation that can still be sent again.
create function app.seated_at(of_school bigint) returns setof bytea
language sql stable set search_path = app, pg_temp as $$
  select a.email_index from membership m join account a on a.id = m.account_id
   where m.school_id = of_school and m.role in ('teacher', 'leader')
     and a.status not in ('not_invited', 'deactivated')
  union
  select i.email_index from invitation i
   where i.school_id = of_school and i.accepted_at is null and i.withdrawn_at is null
$$;
comment on function app.seated_at is 'The blind indexes of addresses that take a place on the staff of a school.';
revoke execute on function app.seated_at(bigint) from public;

create function app.used_of(of_school bigint, out seats bigint, out classes bigint, out students bigint)
returns setof record
language sql stable security definer set search_path = app, pg_temp as $$
  select (select count(*) from seated_at(of_school)),
         (select count(*) from classroom c where c.school_id = of_school and c.archived_at is null),
         (select count(*) from student s where s.school_id = of_school)
   where may_count(of_school)
$$;
comment on function app.used_of is 'How much a school has of what a plan can limit.';
revoke execute on function app.used_of(bigint) from public;
grant execute on function app.used_of(bigint) to backoffice_app, backoffice_system;

create function app.take_room(
  of_school bigint, entitlement text, addresses bytea[], out used bigint, out seated bigint)
returns setof record
language plpgsql volatile security definer set search_path = app, pg_temp as $$
begin
  if not may_count(of_school) then
    return;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('room ' || of_school || ' ' || entitlement, 7208));
  -- A statement of its own, so that what the one before has written counts.
  case entitlement
    when 'seats.max' then
      select count(*), count(*) filter (where s = any (addresses)) into used, seated
        from seated_at(of_school) as s;
    when 'classes.max' then
      select count(*), 0 into used, seated
        from classroom c where c.school_id = of_school and c.archived_at is null;
    when 'students.max' then
      select count(*), 0 into used, seated from student s where s.school_id = of_school;
  end case;
  return next;
end $$;
comment on function app.take_room is
  'How much a school has of one of these, while nobody else takes of it until the transaction ends.';
revoke execute on function app.take_room(bigint, text, bytea[]) from public;
grant execute on function app.take_room(bigint, text, bytea[]) to backoffice_app, backoffice_system;

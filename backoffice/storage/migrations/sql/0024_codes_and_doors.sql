-- Codes that end by themselves, doors that keep school hours, and tablets that start at the names of a class.

-- --------------------------------------------------------------------------------------------- the door

create function app.door_is_open(
  door text, door_until timestamptz, door_from integer, door_to integer, school_days text[], time_zone text,
  at timestamptz)
returns boolean
language sql stable set search_path = app, pg_temp as $$
  select case door
           when 'open' then true
           when 'until' then door_until > at or coalesce(within.hours, false)
           when 'school_days' then coalesce(within.hours, false)
           else false end
    from (select (at) at time zone time_zone as clock) here,
         lateral (select lower(to_char(here.clock, 'Dy')) = any (school_days)
                     and extract(hour from here.clock) * 60 + extract(minute from here.clock)
                         between door_from and door_to - 1 as hours) within
$$;
comment on function app.door_is_open is
  'Whether a door lets children in at a moment. The hours are those of the clock on the school''s wall; a door that was opened until a moment keeps its hours after it.';

create or replace function app.open_code(index_of_code bytea, at timestamptz)
returns table (school_id bigint, classroom_id bigint, code_id bigint, shared_devices boolean)
language sql stable security definer set search_path = app, pg_temp as $$
  select c.school_id, c.id, k.id, c.shared_devices
    from classroom_code k
    join classroom c on c.school_id = k.school_id and c.id = k.classroom_id
    join school s on s.id = c.school_id
   where k.code_index = index_of_code and k.ended_at is null and (k.expires_at is null or k.expires_at > at)
     and door_is_open(c.door, c.door_until, c.door_from, c.door_to, s.school_days, s.time_zone, at)
$$;
comment on function app.open_code is 'The classroom whose code this is, if code and door are open at this moment.';

-- An expired code is no code: trying it is a guess like any other.
drop function app.code_stands(bytea);
create function app.code_stands(index_of_code bytea, at timestamptz) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select exists (select from classroom_code k
                  where k.code_index = index_of_code and k.ended_at is null
                    and (k.expires_at is null or k.expires_at > at))
$$;
comment on function app.code_stands is
  'Whether a class has this code at a moment. A child that comes before the door is open is not guessing.';

create or replace function app.take_tries(
  keys uuid[], seconds integer[], most integer[], at timestamptz, index_of_code bytea)
returns table (place integer, ends_at timestamptz)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
declare
  number integer := 1;
begin
  perform lock_tries(keys);
  return query
    select a.n::integer, coalesce(t.ends_at, at + make_interval(secs => a.seconds))
      from unnest(keys, seconds, most) with ordinality as a (key, seconds, most, n)
      left join throttle t on t.key = a.key and t.ends_at > at
     where coalesce(t.tries, 0) >= a.most
     order by a.n limit 1;
  if found then return; end if;
  -- Written as well when there is nothing to count: time is not to tell a code of a class from others.
  if code_stands(index_of_code, at) then number := 0; end if;
  insert into throttle as t (key, tries, ends_at)
  select distinct a.key, number, at + make_interval(secs => a.seconds)
    from unnest(keys, seconds) as a (key, seconds)
  on conflict (key) do update set
    tries = case when t.ends_at > at then t.tries else 0 end + number,
    ends_at = case when t.ends_at > at then t.ends_at else excluded.ends_at end;
end $$;

grant update (door_from, door_to) on app.classroom to backoffice_app;

-- --------------------------------------------------------------------------------------------- the codes

-- Whoever renews a code says whether those who came in with the old one go out with it.
drop trigger end_sessions_of_code on app.classroom_code;
create trigger end_sessions_of_code after update of ended_at on app.classroom_code
  for each row when (old.ended_at is null and new.ended_at is not null and new.sessions_stay is not true)
  execute function app.end_sessions_of_code();
grant update (sessions_stay) on app.classroom_code to backoffice_app;

-- ------------------------------------------------------------------------------------------- the tablets

alter table app.classroom_tablet enable row level security;
alter table app.classroom_tablet force row level security;
create policy owner on app.classroom_tablet to backoffice_owner using (true) with check (true);
create policy system on app.classroom_tablet to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');
create policy app_read on app.classroom_tablet for select to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or classroom_id = any ((select app.ids('classrooms'))::bigint[]));
create policy app_insert on app.classroom_tablet for insert to backoffice_app
  with check ((school_id = any ((select app.ids('led_schools'))::bigint[])
               or classroom_id = any ((select app.ids('classrooms'))::bigint[]))
              and paired_by = any ((select app.ids('account'))::bigint[]));
-- What is voided stays so.
create policy app_write on app.classroom_tablet for update to backoffice_app
  using ((school_id = any ((select app.ids('led_schools'))::bigint[])
          or classroom_id = any ((select app.ids('classrooms'))::bigint[])) and voided_at is null)
  with check (school_id = any ((select app.ids('led_schools'))::bigint[])
              or classroom_id = any ((select app.ids('classrooms'))::bigint[]));

grant select on app.classroom_tablet to backoffice_app;
grant insert (school_id, id, public_id, classroom_id, label, paired_by, created_at, pairing_digest, pairing_until)
  on app.classroom_tablet to backoffice_app;
grant update (voided_at) on app.classroom_tablet to backoffice_app;
grant select, insert, update, delete on app.classroom_tablet to backoffice_system;
grant usage on sequence app.classroom_tablet_id_seq to backoffice_app, backoffice_system;
alter table app.classroom_tablet alter column label set statistics 0,
  alter column pairing_digest set statistics 0, alter column token_digest set statistics 0;

create function app.tablet_waits(digest bytea, at timestamptz) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select exists (select from classroom_tablet t
                  where t.pairing_digest = digest and t.pairing_until > at and t.voided_at is null)
$$;
comment on function app.tablet_waits is 'Whether a picture pairs a tablet at this moment.';

create function app.pair_tablet(digest bytea, token bytea, at timestamptz, until timestamptz)
returns table (school_id bigint, tablet_id bigint)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
begin
  update classroom_tablet t
     set pairing_digest = null, token_digest = token, paired_at = at, expires_at = until
   where t.pairing_digest = digest and t.pairing_until > at and t.voided_at is null
  returning t.school_id, t.id into school_id, tablet_id;
  if not found then return; end if;
  -- There is no principal, and the school's trail is to say so.
  perform set_ids('begun_in', array[school_id]);
  return next;
end $$;
comment on function app.pair_tablet is 'Uses a pairing, once: from now on a token is that of a tablet of the class.';

create function app.open_tablet(digest bytea, at timestamptz)
returns table (tablet text, code bytea)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
begin
  update classroom_tablet t set last_used_at = at
   where t.token_digest = digest and t.voided_at is null and t.expires_at > at
     and (t.last_used_at is null or t.last_used_at + interval '1 minute' < at);
  return query
    select t.public_id::text, k.code
      from classroom_tablet t
      left join classroom_code k on k.school_id = t.school_id and k.classroom_id = t.classroom_id
                                and k.kind = 'standing' and k.ended_at is null
     where t.token_digest = digest and t.voided_at is null and t.expires_at > at;
end $$;
comment on function app.open_tablet is
  'The tablet whose token this is, if nobody has voided it, and the sealed code of its class, which stays on our side.';

create function app.note_tablet(digest bytea, session uuid, at timestamptz) returns void
language sql security definer set search_path = app, pg_temp as $$
  update student_session s set tablet_id = t.id
    from classroom_tablet t
   where t.token_digest = digest and t.voided_at is null and t.expires_at > at
     and s.token_id = session and s.school_id = t.school_id and s.classroom_id = t.classroom_id
     and s.tablet_id is null
$$;
comment on function app.note_tablet is 'Notes that a child of the class came in at its tablet.';

create function app.end_sessions_of_tablet() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update student_session s set ended_at = new.voided_at
   where s.school_id = new.school_id and s.tablet_id = new.id and s.ended_at is null;
  return null;
end $$;
create trigger end_sessions_of_tablet after update of voided_at on app.classroom_tablet
  for each row when (old.voided_at is null and new.voided_at is not null)
  execute function app.end_sessions_of_tablet();

revoke execute on function
  app.door_is_open(text, timestamptz, integer, integer, text[], text, timestamptz),
  app.code_stands(bytea, timestamptz), app.tablet_waits(bytea, timestamptz),
  app.pair_tablet(bytea, bytea, timestamptz, timestamptz), app.open_tablet(bytea, timestamptz),
  app.note_tablet(bytea, uuid, timestamptz), app.end_sessions_of_tablet() from public;
grant execute on function
  app.tablet_waits(bytea, timestamptz), app.pair_tablet(bytea, bytea, timestamptz, timestamptz),
  app.open_tablet(bytea, timestamptz), app.note_tablet(bytea, uuid, timestamptz)
  to backoffice_app;
grant execute on function app.door_is_open(text, timestamptz, integer, integer, text[], text, timestamptz)
  to backoffice_system;

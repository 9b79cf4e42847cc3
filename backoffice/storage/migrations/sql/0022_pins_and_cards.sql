-- PINs and personal cards. A child with a PIN comes in by nobody's forgetting to ask for it: whoever begins the
-- session names the very hash that the PIN was checked against, and the database compares.

do $$
declare
  t text;
begin
  foreach t in array array['student_card', 'pin_override'] loop
    execute format('alter table app.%I enable row level security', t);
    execute format('alter table app.%I force row level security', t);
    execute format('create policy owner on app.%I to backoffice_owner using (true) with check (true)', t);
    execute format('create policy system on app.%I to backoffice_system
                    using ((select app.purpose()) <> '''') with check ((select app.purpose()) <> '''')', t);
    execute format('create policy app_read on app.%I for select to backoffice_app
                    using (school_id = any ((select app.ids(''led_schools''))::bigint[])
                           or classroom_id = any ((select app.ids(''classrooms''))::bigint[]))', t);
    execute format('grant select, insert, update, delete on app.%I to backoffice_system', t);
    execute format('grant select on app.%I to backoffice_app', t);
    execute format('grant usage on sequence app.%I to backoffice_app, backoffice_system', t || '_id_seq');
  end loop;
end $$;

-- ------------------------------------------------------------------------------------------------- PINs

-- Nobody writes a PIN but by the functions below: a child its own, staff none at all.
revoke update (pin_hash) on app.student from backoffice_app;
grant update (pins_required) on app.classroom to backoffice_app;

create function app.set_own_pin(verified text, hash text, at timestamptz) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update student p set pin_hash = hash, pin_changed_at = at
   where ids('student_session') <> '{}' and p.id = any (ids('students'))
     and p.pin_hash is not distinct from verified
     and (hash is not null or not exists (
       select from classroom c where c.id = any (ids('own_classrooms')) and c.pins_required));
  return found;
end $$;
comment on function app.set_own_pin is
  'Sets or removes the PIN of the signed-in child, who has just shown the one before. None is removed that the class requires.';

create function app.clear_pins(of_school bigint, of_students bigint[], at timestamptz) returns bigint[]
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  found_students bigint[];
begin
  with cleared as (
    update student p set pin_hash = null, pin_changed_at = at
     where p.school_id = of_school and p.id = any (of_students) and p.pin_hash is not null
       and (p.school_id = any (ids('led_schools')) or p.id = any (taught()))
    returning p.id)
  select coalesce(array_agg(c.id order by c.id), '{}') into found_students from cleared c;
  return found_students;
end $$;
comment on function app.clear_pins is
  'Takes the PINs of students away whom the principal teaches or leads; whose there were.';

-- Whoever is in with what was set before goes out, but for the child that has just changed it.
create function app.end_sessions_of_pin() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update student_session s set ended_at = coalesce(new.pin_changed_at, s.last_seen_at)
    from enrollment e
   where e.school_id = new.school_id and e.student_id = new.id
     and s.school_id = e.school_id and s.classroom_id = e.classroom_id and s.student_id = e.student_id
     and s.ended_at is null and s.id <> all (ids('student_session'));
  return null;
end $$;

create trigger end_sessions_of_pin after update of pin_hash on app.student
  for each row when (old.pin_hash is distinct from new.pin_hash) execute function app.end_sessions_of_pin();

create function app.pin_behind_code(index_of_code bytea, student text, at timestamptz)
returns table (classroom_id bigint, student_id bigint, pin_hash text)
language sql stable security definer set search_path = app, pg_temp as $$
  select o.classroom_id, s.id, s.pin_hash
    from open_code(index_of_code, at) o
    join student s on s.school_id = o.school_id and s.public_id = student
    join enrollment e on e.school_id = o.school_id and e.classroom_id = o.classroom_id
                     and e.student_id = s.id and e.ended_at is null
$$;
comment on function app.pin_behind_code is
  'What the PIN of a child of the class behind an open code is checked against.';

drop function app.begin_student_session(
  bytea, text, uuid, timestamptz, integer, integer, timestamptz, bytea);

create function app.begin_student_session(
  index_of_code bytea, student text, token uuid, at timestamptz, idle_shared integer, idle_own integer,
  until timestamptz, from_address bytea, verified_pin text default null)
returns table (session_id bigint, school_id bigint, idle_minutes integer, vouches boolean)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
begin
  insert into student_session (token_id, school_id, classroom_id, student_id, code_id, started_at,
                               last_seen_at, idle_minutes, expires_at, address)
  select token, o.school_id, o.classroom_id, s.id, o.code_id, at, at,
         case when o.shared_devices then idle_shared else idle_own end, until, from_address
    from open_code(index_of_code, at) o
    join student s on s.school_id = o.school_id and s.public_id = student
                  and s.pin_hash is not distinct from verified_pin
    join enrollment e on e.school_id = o.school_id and e.classroom_id = o.classroom_id
                     and e.student_id = s.id and e.ended_at is null
  returning student_session.id, student_session.school_id, student_session.idle_minutes
       into session_id, school_id, idle_minutes;
  if not found then return; end if;
  select s.kind <> 'personal' into vouches from school s where s.id = school_id;
  -- There is no principal yet, and the school's trail is to say that a child came in.
  perform set_ids('begun_in', array[school_id]);
  return next;
end $$;

-- --------------------------------------------------------------------------------------------- overrides

create policy app_insert on app.pin_override for insert to backoffice_app
  with check ((school_id = any ((select app.ids('led_schools'))::bigint[])
               or classroom_id = any ((select app.ids('classrooms'))::bigint[]))
              and made_by = any ((select app.ids('account'))::bigint[]));
grant insert (school_id, id, classroom_id, student_id, kind, made_by, made_at) on app.pin_override
  to backoffice_app;

-- Noted by the database at the time: who taught the class then may teach another now.
create function app.note_made_as() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  -- What the system writes, it brings from elsewhere.
  if purpose() <> '' then return new; end if;
  new.made_as := coalesce(
    (select t.role from teaching_role t
      where t.school_id = new.school_id and t.classroom_id = new.classroom_id and t.account_id = new.made_by
        and t.role <> 'helper' and new.classroom_id = any (ids('classrooms'))),
    case when new.school_id = any (ids('led_schools')) then 'leader' end);
  return new;
end $$;
comment on function app.note_made_as is 'Notes what somebody was in a class when they overrode a PIN there.';

create trigger note_made_as before insert on app.pin_override
  for each row execute function app.note_made_as();

-- ------------------------------------------------------------------------------------------------- cards

create policy app_insert on app.student_card for insert to backoffice_app
  with check ((school_id = any ((select app.ids('led_schools'))::bigint[])
               or classroom_id = any ((select app.ids('classrooms'))::bigint[]))
              and issued_by = any ((select app.ids('account'))::bigint[]) and voided_at is null);
create policy app_write on app.student_card for update to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or classroom_id = any ((select app.ids('classrooms'))::bigint[]));
grant insert on app.student_card to backoffice_app;
grant update (voided_at) on app.student_card to backoffice_app;
alter table app.student_card alter column secret_digest set statistics 0;

create trigger stays_voided before update of voided_at on app.student_card
  for each row when (old.voided_at is not null and new.voided_at is distinct from old.voided_at)
  execute function app.stays_ended();

create function app.end_sessions_of_card() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update student_session s set ended_at = new.voided_at
   where s.school_id = new.school_id and s.card_id = new.id and s.ended_at is null;
  return null;
end $$;

create trigger end_sessions_of_card after update of voided_at on app.student_card
  for each row when (old.voided_at is null and new.voided_at is not null)
  execute function app.end_sessions_of_card();

-- By the class's own code: whatever opens and closes the door to that, opens and closes it to cards.
create function app.open_card(digest bytea, at timestamptz)
returns table (
  school_id bigint, classroom_id bigint, student_id bigint, card_id bigint, shared_devices boolean,
  given_name bytea, family_name bytea, alias bytea, avatar text, pin_hash text
)
language sql stable security definer set search_path = app, pg_temp as $$
  select k.school_id, k.classroom_id, k.student_id, k.id, o.shared_devices, s.given_name, s.family_name,
         e.alias, e.avatar, s.pin_hash
    from student_card k
    join enrollment e on e.school_id = k.school_id and e.classroom_id = k.classroom_id
                     and e.student_id = k.student_id and e.ended_at is null
    join student s on s.school_id = k.school_id and s.id = k.student_id
    join classroom_code c on c.school_id = k.school_id and c.classroom_id = k.classroom_id
                         and c.ended_at is null
   cross join lateral open_code(c.code_index, at) o
   where k.secret_digest = digest and k.voided_at is null
     and o.school_id = k.school_id and o.classroom_id = k.classroom_id
   limit 1
$$;
comment on function app.open_card is 'The child whose card this is, if the door of its class is open now.';

create function app.begin_card_session(
  digest bytea, token uuid, at timestamptz, idle_shared integer, idle_own integer, until timestamptz,
  from_address bytea, verified_pin text)
returns table (session_id bigint, school_id bigint, idle_minutes integer, vouches boolean)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
begin
  insert into student_session (token_id, school_id, classroom_id, student_id, card_id, started_at,
                               last_seen_at, idle_minutes, expires_at, address)
  select token, o.school_id, o.classroom_id, o.student_id, o.card_id, at, at,
         case when o.shared_devices then idle_shared else idle_own end, until, from_address
    from open_card(digest, at) o
   where o.pin_hash is not distinct from verified_pin
  returning student_session.id, student_session.school_id, student_session.idle_minutes
       into session_id, school_id, idle_minutes;
  if not found then return; end if;
  select s.kind <> 'personal' into vouches from school s where s.id = school_id;
  perform set_ids('begun_in', array[school_id]);
  return next;
end $$;

-- ------------------------------------------------------------------------------- wrong PINs, and their lock

create function app.take_step(counted_by uuid, held_by uuid, most integer[], seconds integer[], at timestamptz)
returns timestamptz
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  held_until timestamptz;
  counted integer;
  wait integer;
begin
  perform lock_tries(array[counted_by, held_by]);
  select t.ends_at into held_until from throttle t where t.key = held_by and t.ends_at > at;
  if found then return held_until; end if;
  insert into throttle as t (key, tries, ends_at)
  values (counted_by, 1, at + make_interval(secs => (select max(s) from unnest(seconds) s)))
  on conflict (key) do update set
    tries = case when t.ends_at > at then t.tries else 0 end + 1,
    ends_at = case when t.ends_at > at then t.ends_at else excluded.ends_at end
  returning t.tries into counted;
  select step.s into wait from unnest(most, seconds) as step (m, s) where step.m = counted;
  if wait is not null then
    insert into throttle as t (key, tries, ends_at) values (held_by, counted, at + make_interval(secs => wait))
    on conflict (key) do update set tries = excluded.tries, ends_at = excluded.ends_at;
  end if;
  return null;
end $$;
comment on function app.take_step is
  'Counts a try that may be wrong. After so many of them the next ones wait: then it says until when, and counts none.';

create function app.tries_taken(keys uuid[], at timestamptz)
returns table (key uuid, tries integer, ends_at timestamptz)
language sql stable security definer set search_path = app, pg_temp as $$
  select t.key, t.tries, t.ends_at from throttle t where t.key = any (keys) and t.ends_at > at
$$;
comment on function app.tries_taken is 'What was counted under keys that one must know, in the spans that still run.';

create function app.forget_tries(keys uuid[]) returns void
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  perform lock_tries(keys);
  delete from throttle t where t.key = any (keys);
end $$;
comment on function app.forget_tries is 'Forgets what was counted under keys: of somebody who came in, or whom a teacher lets try again.';

revoke execute on function app.set_own_pin(text, text, timestamptz), app.clear_pins(bigint, bigint[], timestamptz),
  app.end_sessions_of_pin(), app.pin_behind_code(bytea, text, timestamptz),
  app.begin_student_session(bytea, text, uuid, timestamptz, integer, integer, timestamptz, bytea, text),
  app.note_made_as(), app.end_sessions_of_card(), app.open_card(bytea, timestamptz),
  app.begin_card_session(bytea, uuid, timestamptz, integer, integer, timestamptz, bytea, text),
  app.take_step(uuid, uuid, integer[], integer[], timestamptz), app.tries_taken(uuid[], timestamptz),
  app.forget_tries(uuid[]) from public;
grant execute on function app.set_own_pin(text, text, timestamptz), app.clear_pins(bigint, bigint[], timestamptz),
  app.pin_behind_code(bytea, text, timestamptz),
  app.begin_student_session(bytea, text, uuid, timestamptz, integer, integer, timestamptz, bytea, text),
  app.open_card(bytea, timestamptz),
  app.begin_card_session(bytea, uuid, timestamptz, integer, integer, timestamptz, bytea, text),
  app.take_step(uuid, uuid, integer[], integer[], timestamptz), app.tries_taken(uuid[], timestamptz),
  app.forget_tries(uuid[])
  to backoffice_app, backoffice_system;

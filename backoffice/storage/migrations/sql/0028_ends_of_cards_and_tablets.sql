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

-- --------------------------------------------------------------------------- tablets of somebody who is gone

-- One rule: a tablet is its class's while whoever paired it could pair it now. Whoever takes the class over
-- pairs anew. It is voided for good, so that nobody who comes back brings an old tablet with them.
create function app.may_pair(of_account bigint, school bigint, classroom bigint) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select exists (select from account a where a.id = of_account and a.status not in ('suspended', 'deactivated'))
     and (leads(of_account, school)
          or exists (select from teaching_role t
                       join membership m on m.account_id = t.account_id and m.school_id = t.school_id
                                        and m.role = 'teacher' and m.suspended_at is null
                      where t.school_id = school and t.classroom_id = classroom and t.account_id = of_account
                        and t.role <> 'helper'))
$$;
comment on function app.may_pair is 'Whether an account may pair tablets with a class: an owner, a co-teacher or a leader.';

-- Nobody has told the moment, and the database asks no clock: the last that is known of the tablet.
create function app.void_tablets_of() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  of_account bigint;
  of_school bigint;
begin
  case tg_table_name
    when 'account' then of_account := old.id;
    when 'school' then of_school := old.id;
    else of_account := old.account_id;
  end case;
  update classroom_tablet t set voided_at = coalesce(t.last_used_at, t.paired_at, t.created_at)
   where (t.paired_by = of_account or t.school_id = of_school) and t.voided_at is null
     and not may_pair(t.paired_by, t.school_id, t.classroom_id);
  return null;
end $$;
comment on function app.void_tablets_of is 'Voids the tablets of whoever may not pair them any more.';

create trigger void_tablets_of after delete or update of account_id, role on app.teaching_role
  for each row execute function app.void_tablets_of();
create trigger void_tablets_of after delete or update of account_id, school_id, district_id, role, suspended_at
  on app.membership for each row execute function app.void_tablets_of();
create trigger void_tablets_of after update of district_id on app.school
  for each row when (old.district_id is distinct from new.district_id) execute function app.void_tablets_of();
create trigger void_tablets_of after update of status on app.account
  for each row when (new.status in ('suspended', 'deactivated')) execute function app.void_tablets_of();
create or replace function app.end_sessions_of_tablet() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update student_session s set ended_at = greatest(new.voided_at, s.last_seen_at)
   where s.school_id = new.school_id and s.tablet_id = new.id and s.ended_at is null;
  return null;
end $$;

-- Of an account that is erased: its tablets are nobody's.
create function app.void_nobodys_tablet() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update classroom_tablet t set voided_at = coalesce(t.last_used_at, t.paired_at, t.created_at)
   where t.school_id = new.school_id and t.id = new.id and t.voided_at is null;
  return null;
end $$;
create trigger void_nobodys_tablet after update of paired_by on app.classroom_tablet
  for each row when (new.paired_by is null) execute function app.void_nobodys_tablet();

update app.classroom_tablet t set voided_at = coalesce(t.last_used_at, t.paired_at, t.created_at)
 where t.voided_at is null
   and (t.paired_by is null or not app.may_pair(t.paired_by, t.school_id, t.classroom_id));

revoke execute on function app.may_pair(bigint, bigint, bigint), app.void_tablets_of(),
  app.void_nobodys_tablet() from public;

-- -------------------------------------------------------------------------------- coming in, in one statement

create function app.tablet_here(digest bytea, of_school bigint, of_classroom bigint, at timestamptz) returns bigint
language sql volatile security definer set search_path = app, pg_temp as $$
  select t.id from classroom_tablet t
   where t.token_digest = digest and t.school_id = of_school and t.classroom_id = of_classroom
     and t.voided_at is null and t.expires_at > at
     for share
$$;
comment on function app.tablet_here is
  'The tablet of a class whose token this is. It is not voided before the transaction ends.';

drop function app.note_tablet(bytea, uuid, timestamptz);
drop function app.begin_student_session(
  bytea, text, uuid, timestamptz, integer, integer, timestamptz, bytea, text);

-- What lets the child in is locked against ending: it was there when the session began, and whoever ends it
-- afterwards finds the session and ends it as well.
create function app.begin_student_session(
  index_of_code bytea, student text, token uuid, at timestamptz, idle_shared integer, idle_own integer,
  until timestamptz, from_address bytea, verified_pin text default null, of_tablet bytea default null,
  only_there boolean default false, on_device uuid default null)
returns table (session_id bigint, school_id bigint, idle_minutes integer, vouches boolean)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
begin
  insert into student_session (token_id, school_id, classroom_id, student_id, code_id, started_at,
                               last_seen_at, idle_minutes, expires_at, address, tablet_id, device)
  select token, o.school_id, o.classroom_id, s.id, o.code_id, at, at,
         case when o.shared_devices then idle_shared else idle_own end, until, from_address, t.id, on_device
    from open_code(index_of_code, at) o
    join classroom_code k on k.school_id = o.school_id and k.id = o.code_id and k.ended_at is null
    join student s on s.school_id = o.school_id and s.public_id = student
                  and s.pin_hash is not distinct from verified_pin
    join enrollment e on e.school_id = o.school_id and e.classroom_id = o.classroom_id
                     and e.student_id = s.id and e.ended_at is null
   cross join lateral tablet_here(of_tablet, o.school_id, o.classroom_id, at) t (id)
   where t.id is not null or not only_there
     for share of k, s, e
  returning student_session.id, student_session.school_id, student_session.idle_minutes
       into session_id, school_id, idle_minutes;
  if not found then return; end if;
  select s.kind <> 'personal' into vouches from school s where s.id = school_id;
  -- There is no principal yet, and the school's trail is to say that a child came in.
  perform set_ids('begun_in', array[school_id]);
  return next;
end $$;
comment on function app.begin_student_session is
  'Begins a session of a child of the class behind an open code: at the class''s tablet if it is one, and nowhere else if so asked.';

drop function app.begin_card_session(
  bytea, uuid, timestamptz, integer, integer, timestamptz, bytea, text);

create function app.begin_card_session(
  digest bytea, token uuid, at timestamptz, idle_shared integer, idle_own integer, until timestamptz,
  from_address bytea, verified_pin text, of_tablet bytea, on_device uuid)
returns table (session_id bigint, school_id bigint, idle_minutes integer, vouches boolean)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
begin
  insert into student_session (token_id, school_id, classroom_id, student_id, card_id, started_at,
                               last_seen_at, idle_minutes, expires_at, address, tablet_id, device)
  select token, o.school_id, o.classroom_id, o.student_id, o.card_id, at, at,
         case when o.shared_devices then idle_shared else idle_own end, until, from_address, t.id, on_device
    from open_card(digest, at) o
    join student_card k on k.school_id = o.school_id and k.id = o.card_id and k.voided_at is null
    join student s on s.school_id = o.school_id and s.id = o.student_id
                  and s.pin_hash is not distinct from verified_pin
    join enrollment e on e.school_id = o.school_id and e.classroom_id = o.classroom_id
                     and e.student_id = o.student_id and e.ended_at is null
   cross join lateral tablet_here(of_tablet, o.school_id, o.classroom_id, at) t (id)
     for share of k, s, e
  returning student_session.id, student_session.school_id, student_session.idle_minutes
       into session_id, school_id, idle_minutes;
  if not found then return; end if;
  select s.kind <> 'personal' into vouches from school s where s.id = school_id;
  perform set_ids('begun_in', array[school_id]);
  return next;
end $$;
comment on function app.begin_card_session is 'Begins a session of the child whose card this is, if the door is open.';

revoke execute on function app.tablet_here(bytea, bigint, bigint, timestamptz),
  app.begin_student_session(
    bytea, text, uuid, timestamptz, integer, integer, timestamptz, bytea, text, bytea, boolean, uuid),
  app.begin_card_session(bytea, uuid, timestamptz, integer, integer, timestamptz, bytea, text, bytea, uuid)
  from public;
grant execute on function
  app.begin_student_session(
    bytea, text, uuid, timestamptz, integer, integer, timestamptz, bytea, text, bytea, boolean, uuid),
  app.begin_card_session(bytea, uuid, timestamptz, integer, integer, timestamptz, bytea, text, bytea, uuid)
  to backoffice_app, backoffice_system;

-- ------------------------------------------------------------------- devices that a class knows, and strangers

-- A child vouches for the first devices it is at, and not for the last: who signs in under the own name in one
-- browser after the other makes no more of them known.
create function app.device_in_class(
  of_classroom bigint, of_tablet bytea, on_device uuid, vouched integer, since timestamptz, at timestamptz)
returns table (tablet_id bigint, is_known boolean)
language sql stable security definer set search_path = app, pg_temp as $$
  select (select t.id from classroom_tablet t
           where t.token_digest = of_tablet and t.school_id = c.school_id and t.classroom_id = c.id
             and t.voided_at is null and t.expires_at > at),
         exists (select from (select s.student_id, min(s.started_at) as first_at from student_session s
                               where s.school_id = c.school_id and s.classroom_id = c.id
                                 and s.device = on_device and s.started_at > since
                               group by s.student_id) here
                  where (select count(distinct o.device) from student_session o
                          where o.school_id = c.school_id and o.classroom_id = c.id
                            and o.student_id = here.student_id and o.device <> on_device
                            and o.started_at > since and o.started_at < here.first_at) < vouched)
    from classroom c where c.id = of_classroom
$$;
comment on function app.device_in_class is
  'The tablet of a class whose token this is, and whether a device is one of the first at which some child of the class was since a moment.';

revoke execute on function app.device_in_class(bigint, bytea, uuid, integer, timestamptz, timestamptz) from public;
grant execute on function app.device_in_class(bigint, bytea, uuid, integer, timestamptz, timestamptz) to backoffice_app;

-- -------------------------------------------------------------------------------- PINs that a class asks for

-- A PIN is the child's and not the class's: where one of its classes asks for it, it goes in none.
create function app.pin_is_required() returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select exists (select from enrollment e
                   join classroom c on c.school_id = e.school_id and c.id = e.classroom_id
                                   and c.archived_at is null and c.pins_required
                  where e.student_id = any (ids('students')) and e.ended_at is null
                    and ids('student_session') <> '{}')
$$;
comment on function app.pin_is_required is 'Whether any class of the signed-in child asks each child for a PIN.';

create or replace function app.set_own_pin(verified text, hash text, at timestamptz) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update student p set pin_hash = hash, pin_changed_at = at
   where ids('student_session') <> '{}' and p.id = any (ids('students'))
     and p.pin_hash is not distinct from verified
     and (hash is not null or not pin_is_required());
  return found;
end $$;

revoke execute on function app.pin_is_required() from public;
grant execute on function app.pin_is_required() to backoffice_app;

-- ------------------------------------------------------------------------------- no more rights than are used

-- A child is written down without a PIN, and a card is printed while it is good: the functions do the rest.
revoke insert on app.student, app.student_card from backoffice_app;
grant insert (school_id, id, public_id, given_name, family_name, name_tokens, created_at) on app.student
  to backoffice_app;
grant insert (school_id, id, classroom_id, student_id, secret_digest, issued_at, issued_by) on app.student_card
  to backoffice_app;

-- ------------------------------------------------------------------------------- good cards at a closed door

create function app.card_stands(digest bytea) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select exists (select from student_card k
                   join enrollment e on e.school_id = k.school_id and e.classroom_id = k.classroom_id
                                    and e.student_id = k.student_id and e.ended_at is null
                  where k.secret_digest = digest and k.voided_at is null)
$$;
comment on function app.card_stands is
  'Whether a child has this card. One that is held up before the door is open is no guess.';
revoke execute on function app.card_stands(bytea) from public;
grant execute on function app.card_stands(bytea) to backoffice_app;

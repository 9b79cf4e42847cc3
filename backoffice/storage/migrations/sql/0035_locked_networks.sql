-- A network has one allowance of wrong PINs for all schools. A school gives it another, at its own classes only.

alter table app.locked_network enable row level security;
alter table app.locked_network force row level security;
create policy owner on app.locked_network to backoffice_owner using (true) with check (true);
create policy system on app.locked_network to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');
create policy app_read on app.locked_network for select to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or school_id = any ((select app.personal_schools())::bigint[]));
create policy app_write on app.locked_network for update to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[])
         or school_id = any ((select app.personal_schools())::bigint[]));
grant select, insert, update, delete on app.locked_network to backoffice_system;
grant select on app.locked_network to backoffice_app;
grant update (opened_at) on app.locked_network to backoffice_app;
grant usage on sequence app.locked_network_id_seq to backoffice_system;

create function app.network_opened(of_classroom bigint, of_network uuid, since timestamptz)
returns table (school_id bigint, opened_at timestamptz)
language sql stable security definer set search_path = app, pg_temp as $$
  select n.school_id, n.opened_at
    from classroom c join locked_network n on n.school_id = c.school_id and n.network = of_network
   where c.id = of_classroom and n.opened_at > since
$$;
comment on function app.network_opened is
  'When the school of a class opened a network for its classes, if that is since a moment.';

create function app.note_locked_network(
  of_classroom bigint, of_network uuid, new_public_id text, at timestamptz, until timestamptz) returns void
language sql security definer set search_path = app, pg_temp as $$
  insert into locked_network as n (school_id, classroom_id, network, public_id, refused_at, refused_until)
  select c.school_id, c.id, of_network, new_public_id, at, until from classroom c
   -- A day and its rest at most: nothing stays locked, and is kept, for longer.
   where c.id = of_classroom and isfinite(at) and until <= at + interval '25 hours'
  on conflict (school_id, network) do update
     set classroom_id = excluded.classroom_id, refused_at = excluded.refused_at,
         refused_until = greatest(n.refused_until, excluded.refused_until)
   -- Whoever goes on trying writes once a minute.
   where n.refused_at <= excluded.refused_at - interval '1 minute' or n.refused_at <= n.opened_at
      or n.refused_until < excluded.refused_until
$$;
comment on function app.note_locked_network is
  'Notes that a network has used up its wrong PINs, for the school at one of whose classes it was refused.';

create function app.network_locked_until(of_classroom bigint, at timestamptz) returns timestamptz
language sql stable security definer set search_path = app, pg_temp as $$
  select max(n.refused_until)
    from classroom c join locked_network n on n.school_id = c.school_id
   where c.id = of_classroom and n.refused_until > at and (n.opened_at is null or n.opened_at < n.refused_at)
     and (c.school_id = any (ids('led_schools')) or c.id = any (ids('classrooms')))
$$;
comment on function app.network_locked_until is
  'Until when a network is locked that was refused at a school, for who teaches or leads one of its classes.';

-- Counts the spans alone, as before.
create or replace function app.forget_past_tries(before timestamptz) returns bigint
language sql security definer set search_path = app, pg_temp as $$
  delete from locked_network n
   where n.refused_until < before and (n.opened_at is null or n.opened_at < before - interval '24 hours');
  with gone as (delete from throttle t where t.ends_at < before returning 1) select count(*) from gone
$$;
comment on function app.forget_past_tries is 'Forgets the spans that are over, and the networks that were locked in them.';

-- ----------------------------------------------------------------------------------- PINs at today's cost

create function app.hash_own_pin_anew(verified text, hash text) returns void
language sql security definer set search_path = app, pg_temp as $$
  update student p set pin_hash = hash
   where ids('student_session') <> '{}' and p.id = any (ids('students')) and p.pin_hash = verified
     and hash like '$argon2id$%' and split_part(hash, '$', 4) <> split_part(verified, '$', 4)
$$;
comment on function app.hash_own_pin_anew is
  'Keeps the PIN of the signed-in child, who has just shown it, by a hash of another cost.';

-- The same PIN at another cost ends nobody's session: a child may be in on two devices. Whatever changes a PIN
-- notes the moment.
drop trigger end_sessions_of_pin on app.student;
create trigger end_sessions_of_pin after update of pin_hash on app.student
  for each row when (old.pin_hash is distinct from new.pin_hash
                     and (old.pin_hash is null or new.pin_hash is null
                          or old.pin_changed_at is distinct from new.pin_changed_at
                          or split_part(old.pin_hash, '$', 4) = split_part(new.pin_hash, '$', 4)))
  execute function app.end_sessions_of_pin();

revoke execute on function app.hash_own_pin_anew(text, text) from public;
grant execute on function app.hash_own_pin_anew(text, text) to backoffice_app;

revoke execute on function app.network_opened(bigint, uuid, timestamptz),
  app.note_locked_network(bigint, uuid, text, timestamptz, timestamptz),
  app.network_locked_until(bigint, timestamptz) from public;
grant execute on function app.network_opened(bigint, uuid, timestamptz),
  app.note_locked_network(bigint, uuid, text, timestamptz, timestamptz),
  app.network_locked_until(bigint, timestamptz) to backoffice_app;

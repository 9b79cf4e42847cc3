-- What was tried how often. Nobody reads or writes the table itself: whoever could would find out who tried,
-- or forget for all. Keys are digests, and a span says nothing of whom it is about.

alter table app.throttle enable row level security;
alter table app.throttle force row level security;
create policy owner on app.throttle to backoffice_owner using (true) with check (true);

-- Whoever counts several does so alone, so that two who ask for the same ones never wait for each other.
create function app.lock_tries(keys uuid[]) returns void
language plpgsql set search_path = app, pg_temp as $$
declare
  key uuid;
begin
  for key in select k from unnest(keys) k order by k loop
    perform pg_advisory_xact_lock(hashtextextended(key::text, 8008));
  end loop;
end $$;

create function app.take_tries(keys uuid[], seconds integer[], most integer[], at timestamptz)
returns table (place integer, ends_at timestamptz)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
declare
  counted integer;
  span_ends timestamptz;
begin
  perform lock_tries(keys);
  for n in 1 .. cardinality(keys) loop
    insert into throttle as t (key, tries, ends_at)
    values (keys[n], 1, at + make_interval(secs => seconds[n]))
    on conflict (key) do update set
      tries = case when t.ends_at > at then t.tries else 0 end + 1,
      ends_at = case when t.ends_at > at then t.ends_at else excluded.ends_at end
    returning t.tries, t.ends_at into counted, span_ends;
    if counted > most[n] then
      return query values (n, span_ends);
      return;
    end if;
  end loop;
end $$;
comment on function app.take_tries is
  'Counts a try under each key, up to the first that has none left; which that is, and until when.';

create function app.give_back_tries(keys uuid[], number integer, at timestamptz) returns void
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  perform lock_tries(keys);
  update throttle t set tries = greatest(t.tries - number, 0) where t.key = any (keys) and t.ends_at > at;
end $$;
comment on function app.give_back_tries is 'Takes tries off again that went well.';

create function app.forget_past_tries(before timestamptz) returns bigint
language sql security definer set search_path = app, pg_temp as $$
  with gone as (delete from throttle t where t.ends_at < before returning 1) select count(*) from gone
$$;
comment on function app.forget_past_tries is 'Forgets the spans that are over.';

create function app.code_stands(index_of_code bytea) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select exists (select from classroom_code k where k.code_index = index_of_code and k.ended_at is null)
$$;
comment on function app.code_stands is
  'Whether a class has this code. A child that comes before the door is open is not guessing.';

revoke execute on function app.lock_tries(uuid[]), app.take_tries(uuid[], integer[], integer[], timestamptz),
  app.give_back_tries(uuid[], integer, timestamptz), app.forget_past_tries(timestamptz),
  app.code_stands(bytea) from public;
grant execute on function app.take_tries(uuid[], integer[], integer[], timestamptz),
  app.give_back_tries(uuid[], integer, timestamptz), app.code_stands(bytea)
  to backoffice_app, backoffice_system;
grant execute on function app.forget_past_tries(timestamptz) to backoffice_system;

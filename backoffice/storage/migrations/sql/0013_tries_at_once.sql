-- Tries of many at once: who is refused takes nothing, from no span, and who has a right code takes nothing
-- even while it is looked at. A class that types its code at one moment is not in its own way.

drop function app.take_tries(uuid[], integer[], integer[], timestamptz);

create function app.take_tries(
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
  if code_stands(index_of_code) then number := 0; end if;
  insert into throttle as t (key, tries, ends_at)
  select distinct a.key, number, at + make_interval(secs => a.seconds)
    from unnest(keys, seconds) as a (key, seconds)
  on conflict (key) do update set
    tries = case when t.ends_at > at then t.tries else 0 end + number,
    ends_at = case when t.ends_at > at then t.ends_at else excluded.ends_at end;
end $$;
comment on function app.take_tries is
  'Counts a try under each key, or says which is the first that has none left, and until when. A code that a'
  ' class has is no try.';

drop function app.give_back_tries(uuid[], integer, timestamptz);

create function app.give_back_tries(keys uuid[], at timestamptz) returns void
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  perform lock_tries(keys);
  update throttle t set tries = greatest(t.tries - 1, 0) where t.key = any (keys) and t.ends_at > at;
end $$;
comment on function app.give_back_tries is 'Takes a try off again under each key.';

revoke execute on function app.take_tries(uuid[], integer[], integer[], timestamptz, bytea),
  app.give_back_tries(uuid[], timestamptz) from public;
grant execute on function app.take_tries(uuid[], integer[], integer[], timestamptz, bytea),
  app.give_back_tries(uuid[], timestamptz) to backoffice_app, backoffice_system;
-- Asked from within only: whoever could ask would guess without a try.
revoke execute on function app.code_stands(bytea) from backoffice_app, backoffice_system;

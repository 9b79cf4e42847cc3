-- What was tried how often. Nobody reads or writes the table itself: whoever could would find out who tried,
-- or forget for all. Keys are digests, and a span says nothing of whom it is about.

alter table app.throttle enable row level security;
alter table app.throttle force row level security;
create policy owner on app.throttle to backoffice_owner using (true) with check (true);

create function app.add_tries(tried uuid, seconds integer, amount integer, at timestamptz) returns integer
language sql security definer set search_path = app, pg_temp as $$
  insert into throttle as t (key, tries, ends_at)
  values (tried, greatest(amount, 0), at + make_interval(secs => seconds))
  on conflict (key) do update set
    tries = greatest(case when t.ends_at > at then t.tries else 0 end + amount, 0),
    ends_at = case when t.ends_at > at then t.ends_at else at + make_interval(secs => seconds) end
  returning tries
$$;
comment on function app.add_tries is 'Counts tries in a span that begins with the first of them.';

create function app.tries(tried uuid, at timestamptz) returns table (tries integer, ends_at timestamptz)
language sql stable security definer set search_path = app, pg_temp as $$
  select t.tries, t.ends_at from throttle t where t.key = tried and t.ends_at > at
$$;
comment on function app.tries is 'How often something was tried in the span that runs, and when it ends.';

create function app.forget_tries(tried uuid) returns void
language sql security definer set search_path = app, pg_temp as $$
  delete from throttle t where t.key = tried
$$;
comment on function app.forget_tries is 'Forgets what was tried under one key.';

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

revoke execute on function app.add_tries(uuid, integer, integer, timestamptz), app.tries(uuid, timestamptz),
  app.forget_tries(uuid), app.forget_past_tries(timestamptz), app.code_stands(bytea) from public;
grant execute on function app.add_tries(uuid, integer, integer, timestamptz), app.tries(uuid, timestamptz),
  app.forget_tries(uuid), app.code_stands(bytea) to backoffice_app, backoffice_system;
grant execute on function app.forget_past_tries(timestamptz) to backoffice_system;

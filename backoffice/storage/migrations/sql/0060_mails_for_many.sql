-- Mails for many people at once: held back and let go, called off, counted by domain, and come back.

-- Founders hold back what waits, let it go, or call it off. A leader still only tries again.
create policy app_hold on app.mail for update to backoffice_app
  using ((select app.is_founder()) and state in ('queued', 'held'))
  with check ((select app.is_founder()) and state in ('queued', 'held', 'called_off'));

-- Policies see a row before or after, and not which step it takes.
create function app.refuse_mail_step() returns trigger
language plpgsql set search_path = app, pg_temp as $$
begin
  raise insufficient_privilege using message = 'No mail goes from the one state to the other.';
end $$;
comment on function app.refuse_mail_step is 'Keeps the web from any step of a mail but the few that people take.';
revoke execute on function app.refuse_mail_step() from public;
create trigger refuse_mail_step before update on app.mail for each row
  when (current_user = 'backoffice_app'
        and old.state || '>' || new.state not in ('failed>queued', 'queued>held', 'held>queued',
                                                  'queued>called_off', 'held>called_off'))
  execute function app.refuse_mail_step();

-- Whoever calls a mail off may not read what it says, and so could not delete it either.
create function app.forget_called_off() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  delete from mail_content where mail_id = new.id;
  return null;
end $$;
comment on function app.forget_called_off is 'What a mail said is gone when it is called off.';
revoke execute on function app.forget_called_off() from public;
create trigger forget_called_off after update of state on app.mail for each row
  when (new.state = 'called_off' and old.state <> 'called_off') execute function app.forget_called_off();

-- Many at once of what app.take_tries takes one by one, in the same table: what is left is given, be it none.
create function app.take_some(keys uuid[], wanted integer[], most integer, until timestamptz, at timestamptz)
returns table (place integer, granted integer)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
declare
  before integer;
begin
  perform lock_tries(keys);
  for n in 1 .. cardinality(keys) loop
    select t.tries into before from throttle t where t.key = keys[n] and t.ends_at > at;
    place := n;
    granted := least(wanted[n], greatest(most - coalesce(before, 0), 0));
    insert into throttle as t (key, tries, ends_at)
    values (keys[n], granted, until)
    on conflict (key) do update set
      tries = case when t.ends_at > at then t.tries else 0 end + granted,
      ends_at = case when t.ends_at > at then t.ends_at else excluded.ends_at end;
    return next;
  end loop;
end $$;
comment on function app.take_some is 'Takes as many of each key as are wanted and left until then; how many.';
revoke execute on function app.take_some(uuid[], integer[], integer, timestamptz, timestamptz) from public;
grant execute on function app.take_some(uuid[], integer[], integer, timestamptz, timestamptz) to backoffice_system;

alter table app.mail_return enable row level security;
alter table app.mail_return force row level security;
create policy owner on app.mail_return to backoffice_owner using (true) with check (true);
create policy system on app.mail_return to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');
grant select, insert, update on app.mail_return to backoffice_system;

-- A message for our return address is nobody's mail: it is counted by what became of it alone.
create or replace function app.operation_counts(since timestamptz)
returns table (what text, name text, state text, number bigint)
language sql stable security definer set search_path = app, pg_temp as $$
  select 'run', r.job, r.state, count(*) from job_run r where r.finished_at > since group by r.job, r.state
  union all
  select 'queue', j.queue_name, j.status::text, count(*) from queue.procrastinate_jobs j
   where j.status in ('todo', 'doing') group by j.queue_name, j.status
  union all
  select 'mail', m.name, m.state, count(*) from mail m group by m.name, m.state
  union all
  select 'return', '', r.outcome, r.number from mail_return r
$$;
comment on function app.operation_counts is
  'How many runs, queued jobs, mails and messages that came back there are, by name and state.';

-- Figures for whoever looks after the site. Numbers, and names that stand in the code; nothing of a person.

create function app.operation_counts(since timestamptz)
returns table (what text, name text, state text, number bigint)
language sql stable security definer set search_path = app, pg_temp as $$
  select 'run', r.job, r.state, count(*) from job_run r where r.finished_at > since group by r.job, r.state
  union all
  select 'queue', j.queue_name, j.status::text, count(*) from queue.procrastinate_jobs j
   where j.status in ('todo', 'doing') group by j.queue_name, j.status
  union all
  select 'mail', m.name, m.state, count(*) from mail m group by m.name, m.state
$$;
comment on function app.operation_counts is 'How many runs, queued jobs and mails there are, by name and state.';

revoke execute on function app.operation_counts(timestamptz) from public;
grant execute on function app.operation_counts(timestamptz) to backoffice_app, backoffice_system;

-- Who may touch the queue and the rows that tell of jobs.

-- ------------------------------------------------------------------------------------------- the queue

-- Wherever they are called from, the functions mean the queue's own tables.
do $$
declare
  f regprocedure;
begin
  for f in select oid from pg_proc where pronamespace = 'queue'::regnamespace loop
    execute format('alter function %s set search_path = queue, pg_temp', f);
  end loop;
end $$;

-- The web may add to the queue and nothing else: it reads no job, and changes none.
alter function queue.procrastinate_defer_jobs_v1(queue.procrastinate_job_to_defer_v1[])
  security definer;
revoke execute on all functions in schema queue from public;
revoke usage on type queue.procrastinate_job_to_defer_v1 from public;
grant usage on schema queue to backoffice_app, backoffice_system;
grant usage on type queue.procrastinate_job_to_defer_v1 to backoffice_app, backoffice_system;
grant execute on function queue.procrastinate_defer_jobs_v1(queue.procrastinate_job_to_defer_v1[])
  to backoffice_app;

grant execute on all functions in schema queue to backoffice_system;
grant select, insert, update, delete on all tables in schema queue to backoffice_system;
grant usage on all sequences in schema queue to backoffice_system;

-- ----------------------------------------------------------------------------- schedule and runs of jobs

do $$
declare
  t text;
begin
  foreach t in array array['job_schedule', 'job_run'] loop
    execute format('alter table app.%I enable row level security', t);
    execute format('alter table app.%I force row level security', t);
    execute format('create policy owner on app.%I to backoffice_owner using (true) with check (true)', t);
    execute format('create policy system on app.%I to backoffice_system
                    using ((select app.purpose()) <> '''') with check ((select app.purpose()) <> '''')', t);
    execute format('create policy app_founder_reads on app.%I for select to backoffice_app
                    using ((select app.is_founder()))', t);
    execute format('grant select on app.%I to backoffice_app', t);
    execute format('grant select, insert, update, delete on app.%I to backoffice_system', t);
    execute format('grant usage on sequence app.%I to backoffice_system', t || '_id_seq');
  end loop;
end $$;

create policy app_founder_changes on app.job_schedule for update to backoffice_app
  using ((select app.is_founder())) with check ((select app.is_founder()));
grant update (time, next_at, paused_at, paused_by, changed_at, changed_by) on app.job_schedule to backoffice_app;

create function app.note_job_run(run text, queued bigint, reason text, due timestamptz, at timestamptz)
returns void
language sql security definer set search_path = app, pg_temp as $$
  insert into job_run (public_id, job, number, asked, asked_by, state, attempt, due_at, asked_at)
  select run, j.task_name, j.id, reason, case when reason = 'person' then (ids('account'))[1] end,
         'waiting', 1, due, at
    from queue.procrastinate_jobs j
   where j.id = queued and j.status = 'todo'
     and not exists (select from job_run r where r.number = j.id)
$$;
comment on function app.note_job_run is
  'A run that waits, for a job that has just been added to the queue. Who asked is who is at work.';

revoke execute on function app.note_job_run(text, bigint, text, timestamptz, timestamptz) from public;
grant execute on function app.note_job_run(text, bigint, text, timestamptz, timestamptz)
  to backoffice_app, backoffice_system;

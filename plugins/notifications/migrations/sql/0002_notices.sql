-- Notices: founders write them and two of them let one go out. Everybody reads what banners that are up say.

do $$
declare
  t text;
begin
  foreach t in array array['notice', 'notice_step', 'notice_delivery'] loop
    execute format('alter table plugin_notifications.%I enable row level security', t);
    execute format('alter table plugin_notifications.%I force row level security', t);
    execute format('create policy owner on plugin_notifications.%I to backoffice_owner using (true) with check (true)', t);
    execute format('create policy system on plugin_notifications.%I to backoffice_system
                    using ((select app.purpose()) <> '''') with check ((select app.purpose()) <> '''')', t);
    execute format('grant select, insert, delete on plugin_notifications.%I to backoffice_system', t);
    execute format('grant usage on sequence plugin_notifications.%I to backoffice_system', t || '_id_seq');
  end loop;
end $$;

grant update on plugin_notifications.notice, plugin_notifications.notice_delivery to backoffice_system;
-- For sealing anew under another key, and for taking out who is erased.
grant update (reason, done_by) on plugin_notifications.notice_step to backoffice_system;
grant usage on sequence plugin_notifications.notice_id_seq to backoffice_app;
grant select, insert on plugin_notifications.notice to backoffice_app;
grant update (said, template, template_version, version, written_by, written_at)
  on plugin_notifications.notice to backoffice_app;
grant select on plugin_notifications.notice_step to backoffice_app;

create policy app_read on plugin_notifications.notice for select to backoffice_app
  using ((select app.is_founder()));
create policy app_insert on plugin_notifications.notice for insert to backoffice_app
  with check (plugin_notifications.is_open(incident_id) and state = 'draft' and version = 0
              and written_by = any ((select app.ids('account'))::bigint[])
              and proposed_by is null and proposed_at is null and approved_by is null and approved_at is null
              and review_due_at is null and reviewed_by is null and reviewed_at is null
              and schools_told_at is null and sent_at is null and ended_by is null and ended_at is null);
-- Only a draft is changed: what somebody has proposed or let out stays as it was read.
create policy app_update on plugin_notifications.notice for update to backoffice_app
  using (state = 'draft' and plugin_notifications.is_open(incident_id))
  with check (state = 'draft' and plugin_notifications.is_open(incident_id)
              and written_by = any ((select app.ids('account'))::bigint[]));
create policy app_read on plugin_notifications.notice_step for select to backoffice_app
  using ((select app.is_founder()));

-- ------------------------------------------------------------ what becomes of a notice, and who else it was

create function plugin_notifications.note_step(number bigint, done text, at timestamptz, why bytea)
  returns void
language sql security definer set search_path = plugin_notifications, app, pg_temp as $$
  insert into notice_step (notice_id, kind, done_at, done_by, reason)
  values (number, done, at, (ids('account'))[1], why)
$$;
comment on function plugin_notifications.note_step is 'Writes what was just done about a notice; for the functions below.';

create function plugin_notifications.propose_notice(number bigint, seen integer, at timestamptz) returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
begin
  update notice n set state = 'proposed', proposed_by = (ids('account'))[1], proposed_at = at
   where n.id = number and n.state = 'draft' and n.version = seen and is_founder() and is_open(n.incident_id);
  if not found then return false; end if;
  perform note_step(number, 'proposed', at, null);
  return true;
end $$;
comment on function plugin_notifications.propose_notice is 'Proposes a draft, as it was read.';

create function plugin_notifications.take_back_notice(number bigint, at timestamptz) returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
begin
  update notice n set state = 'draft', proposed_by = null, proposed_at = null
   where n.id = number and n.state = 'proposed' and is_founder();
  if not found then return false; end if;
  perform note_step(number, 'taken back', at, null);
  return true;
end $$;
comment on function plugin_notifications.take_back_notice is 'Makes a draft again of what was proposed.';

create function plugin_notifications.approve_notice(number bigint, seen integer, at timestamptz) returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
begin
  update notice n set state = case n.audience when 'banner' then 'up' else 'approved' end,
                      approved_by = (ids('account'))[1], approved_at = at
   where n.id = number and n.state = 'proposed' and n.version = seen and is_founder()
     and is_open(n.incident_id)
     and n.proposed_by is distinct from (ids('account'))[1];
  if not found then return false; end if;
  perform note_step(number, 'approved', at, null);
  return true;
end $$;
comment on function plugin_notifications.approve_notice is 'Lets a notice go out that another founder has proposed, as it was read.';

create function plugin_notifications.approve_alone(number bigint, seen integer, at timestamptz, why bytea)
  returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
begin
  if why is null then return false; end if;
  update notice n set state = case n.audience when 'banner' then 'up' else 'approved' end,
                      approved_by = (ids('account'))[1], approved_at = at, review_due_at = at + interval '3 days'
   where n.id = number and n.state = 'proposed' and n.version = seen and is_founder()
     and is_open(n.incident_id)
     and n.proposed_by = (ids('account'))[1] and n.proposed_at <= at - interval '1 hour';
  if not found then return false; end if;
  perform note_step(number, 'alone', at, why);
  return true;
end $$;
comment on function plugin_notifications.approve_alone is
  'Lets a notice go out by who proposed it an hour ago, with a reason and a review that is due.';

create function plugin_notifications.review_notice(number bigint, at timestamptz) returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
begin
  update notice n set reviewed_by = (ids('account'))[1], reviewed_at = at
   where n.id = number and n.review_due_at is not null and n.reviewed_at is null and is_founder()
     and n.approved_by is distinct from (ids('account'))[1];
  if not found then return false; end if;
  perform note_step(number, 'reviewed', at, null);
  return true;
end $$;
comment on function plugin_notifications.review_notice is
  'Says that somebody else has looked at what one founder let out alone.';

create function plugin_notifications.end_notice(number bigint, at timestamptz, why bytea) returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
declare
  was text;
begin
  select n.state into was from notice n where n.id = number for update;
  if not (was = 'draft' or was = 'up' and why is not null) then return false; end if;
  update notice n set state = 'ended', ended_by = (ids('account'))[1], ended_at = at
   where n.id = number and is_founder();
  if not found then return false; end if;
  perform note_step(number, case was when 'up' then 'taken down' else 'discarded' end, at, why);
  return true;
end $$;
comment on function plugin_notifications.end_notice is
  'Takes a banner down, with a reason, or gives a draft up. What was mailed cannot be ended.';

-- ------------------------------------------------------------------------------------------- what is shown

create function plugin_notifications.banners_up()
  returns table (template text, template_version integer, said bytea)
language sql stable security definer set search_path = plugin_notifications, pg_temp as $$
  select n.template, n.template_version, n.said from notice n join incident i on i.id = n.incident_id
   where n.state = 'up' and not i.is_drill
   order by n.approved_at desc, n.id desc
$$;
comment on function plugin_notifications.banners_up is
  'What banners say that are up, for everybody: nothing else of a notice, and nothing of a drill.';

create function plugin_notifications.progress_of(numbers bigint[])
  returns table (notice_id bigint, state text, people bigint)
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select d.notice_id,
         case when d.state <> 'queued' or m.state in ('queued', 'sending', 'held') then d.state
              when m.state in ('sent', 'bounced') then m.state else 'failed' end,
         count(*)
    from notice_delivery d left join mail m on m.id = d.mail_id
   where d.notice_id = any (numbers) and is_founder()
   group by 1, 2
$$;
comment on function plugin_notifications.progress_of is
  'How many people a notice was written to and what became of it: numbers for a founder, and nobody''s row.';

revoke execute on function plugin_notifications.note_step(bigint, text, timestamptz, bytea),
  plugin_notifications.propose_notice(bigint, integer, timestamptz),
  plugin_notifications.take_back_notice(bigint, timestamptz),
  plugin_notifications.approve_notice(bigint, integer, timestamptz),
  plugin_notifications.approve_alone(bigint, integer, timestamptz, bytea),
  plugin_notifications.review_notice(bigint, timestamptz),
  plugin_notifications.end_notice(bigint, timestamptz, bytea),
  plugin_notifications.banners_up(), plugin_notifications.progress_of(bigint[]) from public;
grant execute on function plugin_notifications.propose_notice(bigint, integer, timestamptz),
  plugin_notifications.take_back_notice(bigint, timestamptz),
  plugin_notifications.approve_notice(bigint, integer, timestamptz),
  plugin_notifications.approve_alone(bigint, integer, timestamptz, bytea),
  plugin_notifications.review_notice(bigint, timestamptz),
  plugin_notifications.end_notice(bigint, timestamptz, bytea),
  plugin_notifications.banners_up(), plugin_notifications.progress_of(bigint[]) to backoffice_app;

alter table plugin_notifications.notice alter column said set statistics 0;
alter table plugin_notifications.notice_step alter column reason set statistics 0;

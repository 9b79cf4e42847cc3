-- A form to an authority keeps what was known as it was proposed, so that two people decide about the same; approved
-- it is handed in by a person, or given up. What goes to schools late says why.

alter table plugin_notifications.notice alter column facts set statistics 0, alter column late_reason set statistics 0;

drop function plugin_notifications.propose_notice(bigint, integer, timestamptz);
create function plugin_notifications.propose_notice(
  number bigint, seen integer, at timestamptz, known bytea, late bytea) returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
begin
  update notice n set state = 'proposed', proposed_by = (ids('account'))[1], proposed_at = at,
                      facts = known, late_reason = late
   where n.id = number and n.state = 'draft' and n.version = seen and is_founder() and is_open(n.incident_id);
  if not found then return false; end if;
  perform note_step(number, 'proposed', at, null);
  return true;
end $$;
comment on function plugin_notifications.propose_notice is
  'Proposes a draft, as it was read: with what is known by now where it goes to an authority, and with why it is late.';

drop function plugin_notifications.approve_notice(bigint, integer, timestamptz);
create function plugin_notifications.approve_notice(number bigint, seen integer, at timestamptz, late bytea)
  returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
begin
  update notice n set state = case n.audience when 'banner' then 'up' else 'approved' end,
                      approved_by = (ids('account'))[1], approved_at = at,
                      late_reason = coalesce(late, n.late_reason)
   where n.id = number and n.state = 'proposed' and n.version = seen and is_founder()
     and is_open(n.incident_id)
     and n.proposed_by is distinct from (ids('account'))[1];
  if not found then return false; end if;
  perform note_step(number, 'approved', at, null);
  return true;
end $$;
comment on function plugin_notifications.approve_notice is
  'Lets a notice go out that another founder has proposed, as it was read; with why it is late by now.';

drop function plugin_notifications.approve_alone(bigint, integer, timestamptz, bytea);
create function plugin_notifications.approve_alone(
  number bigint, seen integer, at timestamptz, why bytea, late bytea) returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
begin
  if why is null then return false; end if;
  update notice n set state = case n.audience when 'banner' then 'up' else 'approved' end,
                      approved_by = (ids('account'))[1], approved_at = at, review_due_at = at + interval '3 days',
                      late_reason = coalesce(late, n.late_reason)
   where n.id = number and n.state = 'proposed' and n.version = seen and is_founder()
     and is_open(n.incident_id)
     and n.proposed_by = (ids('account'))[1] and n.proposed_at <= at - interval '1 hour';
  if not found then return false; end if;
  perform note_step(number, 'alone', at, why);
  return true;
end $$;
comment on function plugin_notifications.approve_alone is
  'Lets a notice go out by who proposed it an hour ago, with a reason and a review that is due.';

create function plugin_notifications.hand_in_notice(number bigint, handed timestamptz, at timestamptz)
  returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
begin
  update notice n set state = 'sent', sent_at = handed
   where n.id = number and n.audience = 'authority' and n.state = 'approved' and is_founder()
     and is_open(n.incident_id) and handed between n.approved_at and at;
  if not found then return false; end if;
  perform note_step(number, 'handed in', at, null);
  return true;
end $$;
comment on function plugin_notifications.hand_in_notice is
  'Notes when a form that was approved was handed in to its authority.';

create or replace function plugin_notifications.end_notice(number bigint, at timestamptz, why bytea) returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
declare
  was text;
  audience text;
begin
  select n.state, n.audience into was, audience from notice n where n.id = number for update;
  if not (was = 'draft'
          or why is not null and (was = 'up' or was = 'approved' and audience = 'authority')) then
    return false;
  end if;
  update notice n set state = 'ended', ended_by = (ids('account'))[1], ended_at = at
   where n.id = number and is_founder();
  if not found then return false; end if;
  perform note_step(number, case was when 'up' then 'taken down' when 'approved' then 'stopped'
                                     else 'discarded' end, at, why);
  return true;
end $$;
comment on function plugin_notifications.end_notice is
  'Takes a banner down or gives a form up that was approved, with a reason, or gives a draft up. What was mailed
   cannot be ended.';

create or replace function plugin_notifications.pause_notice(number bigint, at timestamptz, why bytea) returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
begin
  if why is null then return false; end if;
  update notice n set paused_at = at
   where n.id = number and n.paused_at is null and is_founder() and n.audience <> 'authority'
     and (n.state = 'approved'
          or n.state = 'sent'
             and (exists (select from mails_of(number))
                  or exists (select from notice_delivery d where d.notice_id = number and d.state = 'to_post')
                  or exists (select from letter_batch b where b.notice_id = number and b.posted_at is null)));
  if not found then return false; end if;
  perform note_step(number, 'paused', at, why);
  return true;
end $$;

revoke execute on function plugin_notifications.propose_notice(bigint, integer, timestamptz, bytea, bytea),
  plugin_notifications.approve_notice(bigint, integer, timestamptz, bytea),
  plugin_notifications.approve_alone(bigint, integer, timestamptz, bytea, bytea),
  plugin_notifications.hand_in_notice(bigint, timestamptz, timestamptz) from public;
grant execute on function plugin_notifications.propose_notice(bigint, integer, timestamptz, bytea, bytea),
  plugin_notifications.approve_notice(bigint, integer, timestamptz, bytea),
  plugin_notifications.approve_alone(bigint, integer, timestamptz, bytea, bytea),
  plugin_notifications.hand_in_notice(bigint, timestamptz, timestamptz) to backoffice_app;

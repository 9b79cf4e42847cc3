-- A notice that is being sent, or whose mails still wait, is paused, gone on with, or stopped for good.

create function plugin_notifications.pause_notice(number bigint, at timestamptz, why bytea) returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
begin
  if why is null then return false; end if;
  update notice n set paused_at = at
   where n.id = number and n.paused_at is null and is_founder()
     and (n.state = 'approved' or n.state = 'sent' and exists (select from mails_of(number)));
  if not found then return false; end if;
  perform note_step(number, 'paused', at, why);
  return true;
end $$;
comment on function plugin_notifications.pause_notice is
  'Has nothing more written of a notice that is being sent, with a reason.';

create function plugin_notifications.resume_notice(number bigint, at timestamptz) returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
begin
  update notice n set paused_at = null
   where n.id = number and n.state in ('approved', 'sent') and n.paused_at is not null and is_founder();
  if not found then return false; end if;
  perform note_step(number, 'resumed', at, null);
  return true;
end $$;
comment on function plugin_notifications.resume_notice is 'Goes on with a notice that was paused.';

create function plugin_notifications.stop_notice(number bigint, at timestamptz, why bytea) returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
begin
  if why is null then return false; end if;
  update notice n set state = 'ended', ended_by = (ids('account'))[1], ended_at = at
   where n.id = number and n.state in ('approved', 'sent') and n.paused_at is not null and is_founder();
  if not found then return false; end if;
  perform note_step(number, 'stopped', at, why);
  return true;
end $$;
comment on function plugin_notifications.stop_notice is
  'Ends a notice that is paused, with a reason: whoever was not written to is not.';

create function plugin_notifications.mails_of(number bigint) returns setof bigint
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select d.mail_id from notice_delivery d
   where d.notice_id = number and d.state = 'queued' and d.mail_id is not null and is_founder()
$$;
comment on function plugin_notifications.mails_of is
  'The numbers of mails of a notice that have not left, for a founder: to whom they go, it does not say.';

create or replace function plugin_notifications.progress_of(numbers bigint[])
  returns table (notice_id bigint, state text, people bigint)
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select d.notice_id,
         case when d.state <> 'queued' or m.state in ('queued', 'sending', 'held') then d.state
              when m.state in ('sent', 'bounced', 'called_off') then m.state else 'failed' end,
         count(*)
    from notice_delivery d left join mail m on m.id = d.mail_id
   where d.notice_id = any (numbers) and is_founder()
   group by 1, 2
$$;

revoke execute on function plugin_notifications.pause_notice(bigint, timestamptz, bytea),
  plugin_notifications.resume_notice(bigint, timestamptz),
  plugin_notifications.stop_notice(bigint, timestamptz, bytea),
  plugin_notifications.mails_of(bigint) from public;
grant execute on function plugin_notifications.pause_notice(bigint, timestamptz, bytea),
  plugin_notifications.resume_notice(bigint, timestamptz),
  plugin_notifications.stop_notice(bigint, timestamptz, bytea),
  plugin_notifications.mails_of(bigint) to backoffice_app;

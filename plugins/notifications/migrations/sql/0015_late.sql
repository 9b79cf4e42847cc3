-- A notice that goes on after a pause, and letters that are posted, may be late as well as what is approved.

drop function plugin_notifications.resume_notice(bigint, timestamptz);
create function plugin_notifications.resume_notice(number bigint, at timestamptz, late bytea) returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
begin
  update notice n set paused_at = null, late_reason = coalesce(late, n.late_reason)
   where n.id = number and n.state in ('approved', 'sent') and n.paused_at is not null and is_founder();
  if not found then return false; end if;
  perform note_step(number, 'resumed', at, null);
  return true;
end $$;
comment on function plugin_notifications.resume_notice is
  'Goes on with a notice that was paused; with why it is late by now.';

-- As note_schools_told counts them: a school itself, or somebody who is of it, wherever their letter goes.
create function plugin_notifications.told_by_letters(batch bigint) returns setof bigint
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select c.id
    from letter_batch b join notice n on n.id = b.notice_id
    join concerned_school c on c.incident_id = n.incident_id and c.left_out_at is null
    left join school s on s.id = c.school_id
   where b.id = batch and b.posted_at is null and n.audience in ('schools', 'letters') and is_founder()
     and exists (select from notice_delivery d
                  where d.id in (select letters_left(batch))
                    and (d.concerned_school_id = c.id
                         or exists (select from membership m
                                     where m.account_id = d.account_id
                                       and (m.school_id = c.school_id or m.district_id = s.district_id))))
$$;
comment on function plugin_notifications.told_by_letters is
  'Which concerned schools are told by posting a batch of letters to schools, for a founder.';

drop function plugin_notifications.post_letters(bigint, timestamptz);
create function plugin_notifications.post_letters(batch bigint, at timestamptz, late bytea) returns bigint
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
declare
  posted bigint;
  drill boolean;
begin
  select i.is_drill into drill
    from letter_batch b join notice n on n.id = b.notice_id join incident i on i.id = n.incident_id
   where b.id = batch and b.posted_at is null and is_founder() for update of b;
  if not found then return 0; end if;
  update notice_delivery d set state = case when drill then 'played' else 'letter' end, settled_at = at
   where d.id in (select letters_left(batch));
  get diagnostics posted = row_count;
  -- The others are due again, or are no longer.
  update notice_delivery d set letter_batch_id = null, care_of_id = null
   where d.letter_batch_id = batch and d.state not in ('letter', 'played');
  if posted = 0 then
    delete from letter_batch b where b.id = batch;
  else
    update letter_batch b set posted_at = at, posted_by = (ids('account'))[1] where b.id = batch;
    update notice n set late_reason = late
      from letter_batch b
     where b.id = batch and n.id = b.notice_id and late is not null and n.audience in ('schools', 'letters');
  end if;
  return posted;
end $$;
comment on function plugin_notifications.post_letters is
  'Notes that a batch of letters was posted, with why it is late; how many.';

revoke execute on function plugin_notifications.resume_notice(bigint, timestamptz, bytea),
  plugin_notifications.told_by_letters(bigint),
  plugin_notifications.post_letters(bigint, timestamptz, bytea) from public;
grant execute on function plugin_notifications.resume_notice(bigint, timestamptz, bytea),
  plugin_notifications.told_by_letters(bigint),
  plugin_notifications.post_letters(bigint, timestamptz, bytea) to backoffice_app;

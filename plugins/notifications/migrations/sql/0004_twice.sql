-- As with progress_of, a number for a founder, and nobody's row.

create function plugin_notifications.maybe_twice_of(number bigint) returns bigint
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select count(*)
    from notice_delivery d left join mail m on m.id = d.mail_id
   where d.notice_id = number and is_founder()
     and (d.maybe_twice or m.maybe_twice and m.state in ('sent', 'bounced'))
$$;
comment on function plugin_notifications.maybe_twice_of is
  'How many people a notice may have reached twice, for a founder.';
revoke execute on function plugin_notifications.maybe_twice_of(bigint) from public;
grant execute on function plugin_notifications.maybe_twice_of(bigint) to backoffice_app;

-- Whoever was sent a notice reads in their inbox what it says, and nobody else does: founders read it as founders.
-- What is paused or was stopped is read no more, as its mails are sent no more.

create function plugin_notifications.notice_told(known_as text)
  returns table (template text, template_version integer, said bytea)
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select n.template, n.template_version, n.said
    from notice n join notice_delivery d on d.notice_id = n.id
   where n.public_id = known_as and n.paused_at is null
     and d.account_id = any (ids('account')) and d.state not in ('played', 'called_off')
$$;
comment on function plugin_notifications.notice_told is
  'What a notice says, sealed, for an account that it was sent to.';
revoke execute on function plugin_notifications.notice_told(text) from public;
grant execute on function plugin_notifications.notice_told(text) to backoffice_app;

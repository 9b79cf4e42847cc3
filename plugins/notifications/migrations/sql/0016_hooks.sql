-- What was sent, and a newer secret, are the system's alone: the web reads neither.

alter table plugin_notifications.district_hook alter column newer_secret set statistics 0;
alter table plugin_notifications.hook_call alter column body set statistics 0;
grant select (renewed_at) on plugin_notifications.district_hook to backoffice_app;
revoke select on plugin_notifications.hook_call from backoffice_app;
grant select (id, public_id, hook_id, notice_id, state, attempts, next_try_at, last_status, created_at, finished_at)
  on plugin_notifications.hook_call to backoffice_app;

-- Made again before the day is over, it is the newer one that goes: the district's system may still know the first.
drop function plugin_notifications.renew_hook_secret(bigint, bytea);
create function plugin_notifications.renew_hook_secret(of_district bigint, new_secret bytea, at timestamptz)
  returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
begin
  if not leads_district(of_district) then return false; end if;
  update district_hook h set newer_secret = new_secret, renewed_at = at where h.district_id = of_district;
  return found;
end $$;
comment on function plugin_notifications.renew_hook_secret is
  'Has calls to a district signed with a new secret, sealed, and for a day with the one from before as well.';

create or replace function plugin_notifications.remove_hook(of_district bigint, at timestamptz) returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
declare
  number bigint;
begin
  if not leads_district(of_district) then return false; end if;
  select h.id into number from district_hook h where h.district_id = of_district for update;
  if not found then return false; end if;
  delete from hook_call c where c.hook_id = number and c.notice_id is null;
  update hook_call c set state = 'given_up', finished_at = at, body = null
   where c.hook_id = number and c.state = 'waiting';
  delete from district_hook h where h.id = number;
  return true;
end $$;

revoke execute on function plugin_notifications.renew_hook_secret(bigint, bytea, timestamptz) from public;
grant execute on function plugin_notifications.renew_hook_secret(bigint, bytea, timestamptz) to backoffice_app;

-- Systems of districts: whoever leads the district as a whole sees and sets the address, and founders for them.
-- The secret is written and never read by the web; calls are made and noted by the system.

do $$
declare
  t text;
begin
  foreach t in array array['district_hook', 'hook_call'] loop
    execute format('alter table plugin_notifications.%I enable row level security', t);
    execute format('alter table plugin_notifications.%I force row level security', t);
    execute format('create policy owner on plugin_notifications.%I to backoffice_owner using (true) with check (true)', t);
    execute format('create policy system on plugin_notifications.%I to backoffice_system
                    using ((select app.purpose()) <> '''') with check ((select app.purpose()) <> '''')', t);
    execute format('grant select, insert, update, delete on plugin_notifications.%I to backoffice_system', t);
    execute format('grant usage on sequence plugin_notifications.%I to backoffice_system', t || '_id_seq');
  end loop;
end $$;
alter table plugin_notifications.district_hook
  alter column url set statistics 0, alter column secret set statistics 0;

create policy app_read on plugin_notifications.district_hook for select to backoffice_app
  using (app.leads_district(district_id));
grant select (id, district_id, url, set_by, set_at) on plugin_notifications.district_hook to backoffice_app;
-- As far as its address is seen; founders count those whose address is gone, too.
create policy app_read on plugin_notifications.hook_call for select to backoffice_app
  using ((select app.is_founder())
         or exists (select from plugin_notifications.district_hook h where h.id = hook_id));
grant select on plugin_notifications.hook_call to backoffice_app;

create function plugin_notifications.set_hook(
  of_district bigint, new_url bytea, first_secret bytea, at timestamptz) returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
declare
  is_new boolean;
begin
  if not leads_district(of_district) then return null; end if;
  insert into district_hook as h (district_id, url, secret, set_by, set_at)
  values (of_district, new_url, first_secret, (ids('account'))[1], at)
  on conflict (district_id) do update set url = excluded.url, set_by = excluded.set_by, set_at = excluded.set_at
  returning h.secret = first_secret into is_new;
  -- What could not be delivered to the address before is tried at this one without waiting.
  update hook_call c set next_try_at = at
    from district_hook h
   where h.district_id = of_district and c.hook_id = h.id and c.state = 'waiting' and c.attempts > 0;
  return is_new;
end $$;
comment on function plugin_notifications.set_hook is
  'Sets, sealed, which address of a district is called; whether it had none, so that its secret is the one given.';

create function plugin_notifications.renew_hook_secret(of_district bigint, new_secret bytea) returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
begin
  if not leads_district(of_district) then return false; end if;
  update district_hook h set secret = new_secret where h.district_id = of_district;
  return found;
end $$;
comment on function plugin_notifications.renew_hook_secret is
  'Puts a new secret, sealed, in the place of the one that calls to a district are signed with.';

create function plugin_notifications.remove_hook(of_district bigint, at timestamptz) returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
declare
  number bigint;
begin
  if not leads_district(of_district) then return false; end if;
  select h.id into number from district_hook h where h.district_id = of_district for update;
  if not found then return false; end if;
  delete from hook_call c where c.hook_id = number and c.notice_id is null;
  update hook_call c set state = 'given_up', finished_at = at where c.hook_id = number and c.state = 'waiting';
  delete from district_hook h where h.id = number;
  return true;
end $$;
comment on function plugin_notifications.remove_hook is
  'Removes the address of a district: what waits is not called any more.';

create function plugin_notifications.test_hook(of_district bigint, known_as text, at timestamptz) returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
declare
  number bigint;
begin
  if not leads_district(of_district) then return false; end if;
  select h.id into number from district_hook h where h.district_id = of_district for update;
  if not found or exists (select from hook_call c
                           where c.hook_id = number and c.notice_id is null and c.state = 'waiting') then
    return false;
  end if;
  insert into hook_call (public_id, hook_id, state, attempts, next_try_at, created_at)
  values (known_as, number, 'waiting', 0, at, at);
  return true;
end $$;
comment on function plugin_notifications.test_hook is
  'Has the address of a district called to try it out, unless such a call waits.';

revoke execute on function
  plugin_notifications.set_hook(bigint, bytea, bytea, timestamptz),
  plugin_notifications.renew_hook_secret(bigint, bytea),
  plugin_notifications.remove_hook(bigint, timestamptz),
  plugin_notifications.test_hook(bigint, text, timestamptz) from public;
grant execute on function
  plugin_notifications.set_hook(bigint, bytea, bytea, timestamptz),
  plugin_notifications.renew_hook_secret(bigint, bytea),
  plugin_notifications.remove_hook(bigint, timestamptz),
  plugin_notifications.test_hook(bigint, text, timestamptz) to backoffice_app;

-- Whoever leads a school, or signed up alone, sees what it pays; founders see all. What Stripe says is written by
-- the system alone; the web begins to buy, and takes in what Stripe tells without reading it.

grant usage on schema plugin_billing to backoffice_app, backoffice_system;
do $$
declare
  t text;
begin
  foreach t in array array['customer', 'subscription', 'invoice', 'stripe_event', 'drift'] loop
    execute format('alter table plugin_billing.%I enable row level security', t);
    execute format('alter table plugin_billing.%I force row level security', t);
    execute format('create policy owner on plugin_billing.%I to backoffice_owner using (true) with check (true)', t);
    execute format('create policy system on plugin_billing.%I to backoffice_system
                    using ((select app.purpose()) <> '''') with check ((select app.purpose()) <> '''')', t);
    execute format('grant select, insert, update, delete on plugin_billing.%I to backoffice_system', t);
    execute format('grant usage on sequence plugin_billing.%I to backoffice_system', t || '_id_seq');
    execute format('grant select on plugin_billing.%I to backoffice_app', t);
  end loop;
end $$;
grant select on plugin_billing.schema_version to backoffice_app;
grant usage on sequence plugin_billing.customer_id_seq to backoffice_app;

create function plugin_billing.paid_for() returns bigint[]
language sql stable security definer set search_path = app, pg_temp as $$
  select ids('led_schools') || personal_schools()
$$;
comment on function plugin_billing.paid_for is 'Schools for which the principal manages a subscription.';
create function plugin_billing.paid_for_districts() returns bigint[]
language sql stable security definer set search_path = app, pg_temp as $$
  select array(select m.district_id from membership m
                where m.account_id = any (ids('account')) and m.role = 'leader' and m.suspended_at is null
                  and m.district_id is not null)
$$;
comment on function plugin_billing.paid_for_districts is 'Districts for which the principal manages a subscription.';

create policy app_read on plugin_billing.customer for select to backoffice_app
  using ((select app.is_founder())
         or school_id = any ((select plugin_billing.paid_for())::bigint[])
         or district_id = any ((select plugin_billing.paid_for_districts())::bigint[]));
-- Whoever buys is known to Stripe from then on; as whom, Stripe says.
create policy app_insert on plugin_billing.customer for insert to backoffice_app
  with check (made_by = any ((select app.ids('account'))::bigint[]) and as_of is null and stripe_id is null
              and (school_id = any ((select plugin_billing.paid_for())::bigint[])
                   or district_id = any ((select plugin_billing.paid_for_districts())::bigint[])));
create policy app_name on plugin_billing.customer for update to backoffice_app
  using (school_id = any ((select plugin_billing.paid_for())::bigint[])
         or district_id = any ((select plugin_billing.paid_for_districts())::bigint[]))
  with check (school_id = any ((select plugin_billing.paid_for())::bigint[])
              or district_id = any ((select plugin_billing.paid_for_districts())::bigint[]));
grant insert on plugin_billing.customer to backoffice_app;
grant update (stripe_id) on plugin_billing.customer to backoffice_app;

create policy app_read on plugin_billing.subscription for select to backoffice_app
  using (exists (select from plugin_billing.customer c where c.id = customer_id));
create policy app_read on plugin_billing.invoice for select to backoffice_app
  using (exists (select from plugin_billing.customer c where c.id = customer_id));
create policy app_read on plugin_billing.stripe_event for select to backoffice_app
  using ((select app.is_founder()));
-- Founders have what Stripe told taken in once more.
create policy app_replay on plugin_billing.stripe_event for update to backoffice_app
  using ((select app.is_founder())) with check ((select app.is_founder()) and state = 'waiting');
grant update (state, attempts, next_try_at, done_at) on plugin_billing.stripe_event to backoffice_app;
create policy app_read on plugin_billing.drift for select to backoffice_app
  using ((select app.is_founder()));

create function plugin_billing.name_customer() returns trigger
language plpgsql set search_path = pg_temp as $$
begin
  if old.stripe_id is not null and new.stripe_id is distinct from old.stripe_id and current_user = 'backoffice_app' then
    raise exception 'A customer keeps the name that Stripe gave it.';
  end if;
  return new;
end $$;
comment on function plugin_billing.name_customer is 'Keeps the web from making one school another''s customer.';
revoke execute on function plugin_billing.name_customer() from public;
create trigger name_customer before update of stripe_id on plugin_billing.customer
  for each row execute function plugin_billing.name_customer();

create function plugin_billing.take_event(
  known_as text, named text, what text, whose text, about text, then_at timestamptz, at timestamptz) returns text
language plpgsql security definer set search_path = plugin_billing, pg_temp as $$
declare
  others boolean := exists (select from stripe_event e where e.state = 'waiting' and e.next_try_at <= at);
begin
  insert into stripe_event (public_id, stripe_id, kind, customer, thing, happened_at, received_at, state, attempts, next_try_at)
  values (known_as, named, what, whose, about, then_at, at, 'waiting', 0, at)
  on conflict (stripe_id) do nothing;
  if not found then return 'again'; end if;
  return case when others then 'new' else 'first' end;
end $$;
comment on function plugin_billing.take_event is
  'Notes, once, that Stripe told something, before there is a principal; whether it is the first that waits.';

create function plugin_billing.standing(of_school bigint) returns
  table (of_district boolean, plan text, status text, seats integer, owed_since timestamptz)
language sql stable security definer set search_path = plugin_billing, app, pg_temp as $$
  select c.district_id is not null, s.plan, s.status, s.seats, s.owed_since
    from customer c join subscription s on s.customer_id = c.id
   where (c.school_id = of_school
          or c.district_id = (select h.district_id from school h where h.id = of_school))
     and s.status not in ('canceled', 'incomplete_expired', 'incomplete', 'paused')
     and (of_school = any (ids('schools')) or of_school = any (ids('staffed_schools')) or is_founder()
          or purpose() <> '')
$$;
comment on function plugin_billing.standing is
  'What a school, or its district, has subscribed to: for everybody who works there, since it says what they may make.';

revoke execute on function
  plugin_billing.paid_for(), plugin_billing.paid_for_districts(),
  plugin_billing.take_event(text, text, text, text, text, timestamptz, timestamptz),
  plugin_billing.standing(bigint) from public;
grant execute on function plugin_billing.paid_for(), plugin_billing.paid_for_districts(),
  plugin_billing.take_event(text, text, text, text, text, timestamptz, timestamptz) to backoffice_app;
grant execute on function plugin_billing.standing(bigint) to backoffice_app, backoffice_system;

-- Whoever manages a school's subscription asks for quotes, orders and hands certificates in; founders see that they
-- did. How far an order is and what Stripe was told is written by the system alone.

do $$
declare
  t text;
begin
  foreach t in array array['quote', 'purchase_order', 'tax_certificate'] loop
    execute format('alter table plugin_billing.%I enable row level security', t);
    execute format('alter table plugin_billing.%I force row level security', t);
    execute format('create policy owner on plugin_billing.%I to backoffice_owner using (true) with check (true)', t);
    execute format('create policy system on plugin_billing.%I to backoffice_system
                    using ((select app.purpose()) <> '''') with check ((select app.purpose()) <> '''')', t);
    execute format('grant select, insert, update, delete on plugin_billing.%I to backoffice_system', t);
    execute format('grant usage on sequence plugin_billing.%I to backoffice_system, backoffice_app', t || '_id_seq');
    execute format('grant select, insert on plugin_billing.%I to backoffice_app', t);
    execute format('create policy app_read on plugin_billing.%I for select to backoffice_app
                    using (exists (select from plugin_billing.customer c where c.id = customer_id))', t);
  end loop;
end $$;

create function plugin_billing.paying() returns bigint[]
language sql stable security definer set search_path = plugin_billing, pg_temp as $$
  select array(select c.id from customer c
                where c.school_id = any (paid_for()) or c.district_id = any (paid_for_districts()))
$$;
comment on function plugin_billing.paying is 'As whom the principal pays: customers whose subscription it manages.';
revoke execute on function plugin_billing.paying() from public;
grant execute on function plugin_billing.paying() to backoffice_app;

create policy app_insert on plugin_billing.quote for insert to backoffice_app
  with check (customer_id = any ((select plugin_billing.paying())::bigint[]));
create policy app_insert on plugin_billing.purchase_order for insert to backoffice_app
  with check (customer_id = any ((select plugin_billing.paying())::bigint[]) and state = 'waiting'
              and subscription is null and sent_at is null);
-- What Stripe did not accept is tried again, and nothing else is changed.
create policy app_again on plugin_billing.purchase_order for update to backoffice_app
  using (customer_id = any ((select plugin_billing.paying())::bigint[]) and state = 'failed')
  with check (customer_id = any ((select plugin_billing.paying())::bigint[]) and state = 'waiting');
grant update (state) on plugin_billing.purchase_order to backoffice_app;
create policy app_insert on plugin_billing.tax_certificate for insert to backoffice_app
  with check (customer_id = any ((select plugin_billing.paying())::bigint[]) and replaced_at is null
              and set_at is null and warned_at is null and ended_at is null);
create policy app_replace on plugin_billing.tax_certificate for update to backoffice_app
  using (customer_id = any ((select plugin_billing.paying())::bigint[]) and replaced_at is null)
  with check (customer_id = any ((select plugin_billing.paying())::bigint[]));
grant update (replaced_at) on plugin_billing.tax_certificate to backoffice_app;

alter table plugin_billing.purchase_order alter column number set statistics 0;
alter table plugin_billing.purchase_order alter column invoice_to set statistics 0;
alter table plugin_billing.purchase_order alter column file set statistics 0;
alter table plugin_billing.tax_certificate alter column file set statistics 0;

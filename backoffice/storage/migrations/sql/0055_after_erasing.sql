-- What follows an erasure. None of it is the web's: whoever holds a receipt is told of it by a function.

do $$
declare
  t text;
begin
  foreach t in array array['erasure_outside', 'canary'] loop
    execute format('alter table app.%I enable row level security', t);
    execute format('alter table app.%I force row level security', t);
    execute format('create policy owner on app.%I to backoffice_owner using (true) with check (true)', t);
    execute format('create policy system on app.%I to backoffice_system
                    using ((select app.purpose()) <> '''') with check ((select app.purpose()) <> '''')', t);
    execute format('grant select, insert, update on app.%I to backoffice_system', t);
    execute format('grant usage on sequence app.%I to backoffice_system', t || '_id_seq');
  end loop;
end $$;
alter table app.erasure_outside alter column reference set statistics 0;

create function app.receipt_followed(number text, digest bytea)
returns table (part text, noted_at timestamptz, done_at timestamptz, proof text)
language sql stable security definer set search_path = app, pg_temp as $$
  with known as (
    select e.public_id, e.verified_at, e.vacuum_after, e.vacuumed_at from erasure e
     where e.public_id = number and sha256(convert_to(e.receipt, 'UTF8')) = digest
  )
  select 'vacuum', k.verified_at, k.vacuumed_at, null from known k where k.vacuum_after is not null
  union all
  (select o.handler, o.noted_at, o.done_at, o.proof
     from erasure_outside o join known k on k.public_id = o.erasure order by o.handler, o.id)
$$;
comment on function app.receipt_followed is
  'What has followed the erasure of the receipt with this number and hash, for whoever has both.';
revoke execute on function app.receipt_followed(text, bytea) from public;
grant execute on function app.receipt_followed(text, bytea) to backoffice_app, backoffice_system;

-- -------------------------------------------------------------------------- freeing the space of what is gone

-- The system vacuums what it erased from, and owns nothing for it. The right exists from PostgreSQL 17 on;
-- before, only an owner may, and receipts say that the space was not freed yet.
do $$
declare
  t record;
begin
  if current_setting('server_version_num')::int < 170000 then
    return;
  end if;
  for t in select c.oid::regclass::text as named from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where c.relkind in ('r', 'p') and pg_has_role(c.relowner, 'usage')
              and (n.nspname = 'app' or n.nspname like 'plugin\_%') loop
    execute format('grant maintain on %s to backoffice_system', t.named);
  end loop;
  -- Nothing erases an entry of the trail.
  execute 'revoke maintain on app.audit_entry from backoffice_system';
  -- Of tables to come too, those of plugins and partitions among them.
  execute 'alter default privileges grant maintain on tables to backoffice_system';
end $$;

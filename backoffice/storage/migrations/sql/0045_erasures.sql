-- Erasures and the ledger. Both outlive whom they are about, so that nothing here has a foreign key to them.

do $$
declare
  t text;
begin
  foreach t in array array['erasure', 'erasure_mark'] loop
    execute format('alter table app.%I enable row level security', t);
    execute format('alter table app.%I force row level security', t);
    execute format('create policy owner on app.%I to backoffice_owner using (true) with check (true)', t);
    execute format('create policy system on app.%I to backoffice_system
                    using ((select app.purpose()) <> '''') with check ((select app.purpose()) <> '''')', t);
  end loop;
end $$;

-- Whoever asked, and whoever leads the school that it was in.
create policy app_read on app.erasure for select to backoffice_app
  using (asked_by = any ((select app.ids('account'))::bigint[])
         or school_id = any ((select app.ids('led_schools'))::bigint[]));

grant select on app.erasure to backoffice_app;
grant select, insert, update, delete on app.erasure to backoffice_system;
grant usage on sequence app.erasure_id_seq to backoffice_system;
-- A line of the ledger stays as it was written.
grant select, insert on app.erasure_mark to backoffice_system;
alter table app.erasure alter column found set statistics 0, alter column plan set statistics 0,
  alter column signature set statistics 0;
alter table app.erasure_mark alter column mark set statistics 0;

-- ------------------------------------------------------------------------- finding what is sealed

create function app.details_about(marks uuid[]) returns setof bigint
language sql stable security definer set search_path = app, pg_temp as $$
  select d.entry_id from audit_detail d where d.about && marks
$$;
comment on function app.details_about is
  'Entries of the trail whose details are about these. Not leakproof, so that no index would be used past row-level security.';
revoke execute on function app.details_about(uuid[]) from public;
grant execute on function app.details_about(uuid[]) to backoffice_system;

-- Somebody is taken out of a detail; what it answers to stays.
grant update (about, redacted) on app.audit_detail to backoffice_system;
alter table app.audit_detail alter column about set statistics 0;
alter table app.mail_content alter column about set statistics 0;
alter table app.saved_view alter column about set statistics 0;

-- A view that is changed names other things.
grant update (about) on app.saved_view to backoffice_app;

-- ---------------------------------------------------------------------- a receipt, for whoever has one

create function app.receipt(number text, digest bytea) returns table (receipt text, signature bytea)
language sql stable security definer set search_path = app, pg_temp as $$
  select e.receipt, e.signature from erasure e
   where e.public_id = number and sha256(convert_to(e.receipt, 'UTF8')) = digest
$$;
comment on function app.receipt is
  'The receipt with this number and hash: nobody learns from it what they do not hold already.';
revoke execute on function app.receipt(text, bytea) from public;
grant execute on function app.receipt(text, bytea) to backoffice_app, backoffice_system;

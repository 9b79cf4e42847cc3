-- Mails. The envelope names nobody; what a mail says and to whom is a row apart, which the web's role writes
-- and can never read.

do $$
declare
  t text;
begin
  foreach t in array array['mail', 'mail_content'] loop
    execute format('alter table app.%I enable row level security', t);
    execute format('alter table app.%I force row level security', t);
    execute format('create policy owner on app.%I to backoffice_owner using (true) with check (true)', t);
    execute format('create policy system on app.%I to backoffice_system
                    using ((select app.purpose()) <> '''') with check ((select app.purpose()) <> '''')', t);
  end loop;
end $$;

create policy app_read on app.mail for select to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[]) or (select app.is_founder()));

-- To oneself, in a school that one leads to its people, and between founders.
create policy app_insert on app.mail for insert to backoffice_app
  with check (state = 'queued' and attempts = 0 and (
    (account_id = any ((select app.ids('account'))::bigint[])
     and (school_id is null or school_id = any ((select app.ids('schools'))::bigint[])))
    or (account_id = any ((select app.people())::bigint[])
        and school_id = any ((select app.ids('led_schools'))::bigint[]))
    or ((select app.is_founder()) and school_id is null
        and account_id in (select f.account_id from app.other_founders() f))));

-- Trying again what was given up, and nothing else.
create policy app_write on app.mail for update to backoffice_app
  using (state = 'failed'
         and (school_id = any ((select app.ids('led_schools'))::bigint[]) or (select app.is_founder())))
  with check (state = 'queued');

create trigger note_made after insert on app.mail
  for each row when (current_user = 'backoffice_app') execute function app.note_made('made_mails');

-- Only for a mail that this very transaction has made.
create policy app_insert on app.mail_content for insert to backoffice_app
  with check (mail_id = any ((select app.ids('made_mails'))::bigint[]));

grant select on app.mail to backoffice_app;
grant insert (id, public_id, name, account_id, school_id, state, attempts, next_try_at, give_up_at, created_at)
  on app.mail to backoffice_app;
grant update (state, attempts, next_try_at, give_up_at, finished_at, reason) on app.mail to backoffice_app;
grant insert on app.mail_content to backoffice_app;
grant usage on sequence app.mail_id_seq to backoffice_app, backoffice_system;
grant select, insert, update, delete on app.mail to backoffice_system;
grant select, insert, delete on app.mail_content to backoffice_system;

alter table app.mail_content alter column recipient set statistics 0, alter column message set statistics 0;

-- Messages: each is read by whom it is for and by nobody else, founders neither. Most are left by the system;
-- founders leave some to each other.

alter table app.message enable row level security;
alter table app.message force row level security;
create policy owner on app.message to backoffice_owner using (true) with check (true);
create policy system on app.message to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');
create policy app_read on app.message for select to backoffice_app
  using (account_id = any ((select app.ids('account'))::bigint[]));
create policy app_insert on app.message for insert to backoffice_app
  with check ((select app.is_founder()) and school_id is null and read_at is null
              and account_id in (select f.account_id from app.other_founders() f));
-- What was read was read.
create policy app_write on app.message for update to backoffice_app
  using (account_id = any ((select app.ids('account'))::bigint[]) and read_at is null)
  with check (account_id = any ((select app.ids('account'))::bigint[]) and read_at is not null);

grant select on app.message to backoffice_app;
grant insert (public_id, account_id, school_id, kind, subject, once, created_at) on app.message to backoffice_app;
grant update (read_at) on app.message to backoffice_app;
grant select, insert, update, delete on app.message to backoffice_system;
grant usage on sequence app.message_id_seq to backoffice_app, backoffice_system;
grant update (unwanted_mails) on app.account to backoffice_app;

-- Each page says how many there are. It sees what its caller sees, and keeps its plans.
create function app.unread_messages(of_account bigint) returns integer
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return (select count(*) from (select from message m where m.account_id = of_account and (m.read_at is null)
                                 limit 100) as few);
end $$;
comment on function app.unread_messages is 'How many messages the principal has not read; a hundred at most.';

-- What one founder has to tell another goes by what that other wants.
create function app.without_mail(of_kind text, accounts bigint[]) returns bigint[]
language sql stable security definer set search_path = app, pg_temp as $$
  select array(select a.id from account a
                where a.id = any (accounts) and of_kind = any (a.unwanted_mails) and a.founder and is_founder())
$$;
comment on function app.without_mail is
  'Which of these founders have turned a mail off, for a founder who tells them something.';

revoke execute on function app.unread_messages(bigint), app.without_mail(text, bigint[]) from public;
grant execute on function app.unread_messages(bigint) to backoffice_app, backoffice_system;
grant execute on function app.without_mail(text, bigint[]) to backoffice_app;

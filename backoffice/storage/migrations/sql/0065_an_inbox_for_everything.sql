-- Which mails somebody does not want is theirs to know. As a column of the account, colleagues could read it.

alter table app.mail_choice enable row level security;
alter table app.mail_choice force row level security;
create policy owner on app.mail_choice to backoffice_owner using (true) with check (true);
create policy system on app.mail_choice to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');
create policy app_own on app.mail_choice to backoffice_app
  using (account_id = any ((select app.ids('account'))::bigint[]))
  with check (account_id = any ((select app.ids('account'))::bigint[]));
grant select, insert, update on app.mail_choice to backoffice_app;
grant select, insert, update, delete on app.mail_choice to backoffice_system;

insert into app.mail_choice (account_id, unwanted)
  select id, unwanted_mails from app.account where cardinality(unwanted_mails) > 0;

-- The web leaves a message with a mail that it writes, to whom that is for and of its kind, and in no other way.
drop policy app_insert on app.message;
revoke insert on app.message from backoffice_app;
revoke usage on sequence app.message_id_seq from backoffice_app;
drop function app.without_mail(text, bigint[]);

create function app.leave_messages(mails bigint[], public_ids text[], accounts bigint[], subjects text[], onces text[],
                                   skips_told boolean, skips_unwanted boolean)
returns bigint[]
language plpgsql volatile security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
declare
  by_system constant boolean := purpose() <> '';
  needless bigint[];
begin
  with asked as (
    select m.id, m.name, m.school_id, m.created_at, a.public_id, a.subject, a.once,
           -- A school that reads its list of mails is not told each time to whom: only the system says so here.
           case when by_system then coalesce(m.account_id, a.account) else m.account_id end as account
      from unnest(mails, public_ids, accounts, subjects, onces) as a (mail, public_id, account, subject, once)
      join mail m on m.id = a.mail
     where m.state = 'queued' and m.attempts = 0 and (by_system or m.id = any (ids('made_mails')))
  ), told as (
    insert into message (public_id, account_id, school_id, kind, subject, once, created_at)
    select public_id, account, school_id, name, subject, once, created_at from asked where account is not null
        on conflict do nothing
    returning public_id
  )
  select array(
    select id from asked
     where account is not null
       and ((skips_told and public_id not in (select public_id from told))
            or (skips_unwanted and exists (select from mail_choice c
                                            where c.account_id = account and name = any (c.unwanted)))))
    into needless;
  delete from mail where id = any (needless);
  return needless;
end $$;
comment on function app.leave_messages is
  'Leaves a message with each of these mails that the transaction wrote; those that nobody wants are gone, and returned.';
revoke execute on function app.leave_messages(bigint[], text[], bigint[], text[], text[], boolean, boolean) from public;
grant execute on function app.leave_messages(bigint[], text[], bigint[], text[], text[], boolean, boolean)
  to backoffice_app, backoffice_system;

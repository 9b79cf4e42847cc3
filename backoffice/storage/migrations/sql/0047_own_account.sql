-- Whoever closes the own account has it erased: confirmed at once, since the page that asks has shown what goes.

create policy app_insert_own on app.erasure for insert to backoffice_app
  with check (subject = 'account' and stage = 'confirmed' and asked_as = 'owner of the account'
              and subject_id = asked_by and asked_by = any ((select app.ids('account'))::bigint[])
              and school_id is null and confirmed_at is not null and plan is null and receipt is null
              -- Closing is what refuses the last founder and the last leader.
              and exists (select from app.account a where a.id = subject_id and a.status = 'deactivated'));

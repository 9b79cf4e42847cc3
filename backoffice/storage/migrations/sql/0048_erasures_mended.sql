-- What erasing had missed.

-- ------------------------------------------------------------------- a detail that somebody was taken out of

-- With its nonce, whoever holds the keyring could try numbers until the commitment fits. The nonce goes in the
-- statement that takes somebody out, and nobody has the right to write one.
alter table app.audit_detail alter column nonce drop not null;
update app.audit_detail set nonce = null where redacted;
alter table app.audit_detail add constraint ck_audit_detail_redacted_answers_to_nothing
  check (redacted = (nonce is null));

create function app.forget_nonce() returns trigger
language plpgsql set search_path = app, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    -- Nothing begins as something that nobody can verify.
    new.redacted := false;
  elsif new.redacted then
    new.nonce := null;
  end if;
  return new;
end $$;
comment on function app.forget_nonce is 'A detail that somebody was taken out of keeps nothing to test guesses with.';
revoke execute on function app.forget_nonce() from public;
create trigger forget_nonce before insert or update of redacted on app.audit_detail
  for each row execute function app.forget_nonce();

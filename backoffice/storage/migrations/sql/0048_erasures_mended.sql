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

alter table app.large_change alter column about set statistics 0;

-- ------------------------------------------------------------------------- students of whom one was made

alter table app.merged_mark enable row level security;
alter table app.merged_mark force row level security;
create policy owner on app.merged_mark to backoffice_owner using (true) with check (true);
create policy system on app.merged_mark to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');
grant select, insert, delete on app.merged_mark to backoffice_system;
alter table app.merged_mark alter column mark set statistics 0;

drop function app.merge_students(bigint, bigint, bigint, timestamptz);
create function app.merge_students(of_school bigint, keeper bigint, merged bigint, moment timestamptz, mark uuid)
returns text
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  digest text;
begin
  -- In the order of whoever changes a class: the class, its students, their places. The lock of the classes is
  -- the one that a new place takes of its class.
  perform from classroom c
   where c.school_id = of_school
     and c.id in (select e.classroom_id from enrollment e
                   where e.school_id = of_school and e.student_id in (keeper, merged))
   order by c.id for key share;
  perform from student s where s.school_id = of_school and s.id in (keeper, merged) order by s.id for update;
  if (select count(*) from student s where s.school_id = of_school and s.id in (keeper, merged)) <> 2
     or not may_merge(of_school, array[keeper, merged]) then
    return 'not theirs';
  end if;
  -- What goes was found out, and what is made of it now nobody would look for.
  if exists (select from erasure e
              where e.stage in ('confirmed', 'held', 'noted', 'erased')
                and case e.subject
                      when 'student' then e.subject_id in (keeper, merged)
                      when 'classroom' then exists (
                        select from enrollment n
                         where n.school_id = of_school and n.classroom_id = e.subject_id
                           and n.student_id in (keeper, merged))
                      when 'school' then e.subject_id = of_school
                      when 'district' then exists (
                        select from school p where p.id = of_school and p.district_id = e.subject_id)
                      else exists (
                        select from school p join membership m on m.school_id = p.id
                         where p.id = of_school and p.kind = 'personal' and m.account_id = e.subject_id)
                    end) then
    return 'being erased';
  end if;
  if exists (select from guardian_request r
               join guardian_request k on k.school_id = r.school_id and k.account_id = r.account_id
                and k.kind = r.kind and k.student_id = keeper and k.answered_at is null
              where r.school_id = of_school and r.student_id = merged and r.answered_at is null) then
    return 'requests wait';
  end if;
  -- Whoever awards at this moment comes before or after, and then finds one child.
  perform from enrollment e where e.school_id = of_school and e.student_id in (keeper, merged)
    order by e.classroom_id, e.student_id for update;

  -- What was undone would be half of what it was.
  delete from roster_change r where r.school_id = of_school and exists (
    select from roster_change_student c where c.school_id = r.school_id and c.classroom_id = r.classroom_id
       and c.student_id in (keeper, merged));
  update student_card c set voided_at = moment
   where c.school_id = of_school and c.student_id = merged and c.voided_at is null;
  update student_session s set ended_at = moment
   where s.school_id = of_school and s.student_id = merged and s.ended_at is null;

  perform take_seats_of(of_school, keeper, merged);
  update point_entry p set student_id = keeper where p.school_id = of_school and p.student_id = merged;
  update student_card c set student_id = keeper where c.school_id = of_school and c.student_id = merged;
  update student_session s set student_id = keeper where s.school_id = of_school and s.student_id = merged;
  update worry w set student_id = keeper where w.school_id = of_school and w.student_id = merged;
  update pin_override o set student_id = keeper where o.school_id = of_school and o.student_id = merged;
  update student_view v set student_id = keeper where v.school_id = of_school and v.student_id = merged;
  update guardian_request r set student_id = keeper where r.school_id = of_school and r.student_id = merged;

  -- Nobody is asked twice. Whoever follows both follows one; a link that was ended or refused stays so, and what
  -- was asked of that address for the other child is withdrawn: who decides anew asks anew.
  update guardian_invitation i set withdrawn_at = moment, token_digest = null
   where i.school_id = of_school and i.student_id = merged and i.code_digest is null
     and i.accepted_at is null and i.withdrawn_at is null
     and (exists (select from guardian_invitation k
                   where k.school_id = of_school and k.student_id = keeper and k.email_index = i.email_index
                     and k.code_digest is null and k.accepted_at is null and k.withdrawn_at is null)
          or exists (select from guardian_link l join account a on a.id = l.account_id
                      where l.school_id = of_school and l.student_id = keeper
                        and l.status in ('revoked', 'refused') and a.email_index = i.email_index));
  update guardian_invitation i set student_id = keeper where i.school_id = of_school and i.student_id = merged;
  update guardian_link k
     set status = g.status, name = g.name, approved_by = g.approved_by, approved_at = g.approved_at,
         ended_at = g.ended_at, told = g.told
    from guardian_link g
   where k.school_id = of_school and k.student_id = keeper
     and g.school_id = of_school and g.student_id = merged and g.account_id = k.account_id
     and array_position(array['revoked', 'refused', 'approved', 'waiting'], g.status)
       < array_position(array['revoked', 'refused', 'approved', 'waiting'], k.status);
  delete from guardian_link g
   using guardian_link k
   where g.school_id = of_school and g.student_id = merged
     and k.school_id = of_school and k.student_id = keeper and k.account_id = g.account_id;
  update guardian_link g set student_id = keeper where g.school_id = of_school and g.student_id = merged;

  select s.username_digest into digest from student s where s.school_id = of_school and s.id = merged;
  update student s set username_digest = null where s.school_id = of_school and s.id = merged;
  update student s set username_digest = coalesce(s.username_digest, digest)
   where s.school_id = of_school and s.id = keeper;

  -- What plugins keep of the one is kept of the other, unless they keep the same of the other already.
  perform move_plugin_rows(of_school, keeper, merged);

  -- A backup from before knows both: when the one is erased, the other one is known again by its mark.
  update merged_mark m set student_id = keeper where m.school_id = of_school and m.student_id = merged;
  insert into merged_mark (school_id, student_id, mark, number) values (of_school, keeper, mark, merged);

  delete from student s where s.school_id = of_school and s.id = merged;
  return 'merged';
end $$;
comment on function app.merge_students is
  'Makes one student of two whom the principal may merge: everything of the second is the first''s, and the second is gone.';
revoke execute on function app.merge_students(bigint, bigint, bigint, timestamptz, uuid) from public;
grant execute on function app.merge_students(bigint, bigint, bigint, timestamptz, uuid) to backoffice_app;

-- --------------------------------------------------------------------- how far the files of the ledger go

alter table app.ledger_end enable row level security;
alter table app.ledger_end force row level security;
create policy owner on app.ledger_end to backoffice_owner using (true) with check (true);
create policy system on app.ledger_end to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');
grant select, insert, update on app.ledger_end to backoffice_system;
grant usage on sequence app.ledger_end_id_seq to backoffice_system;

-- -------------------------------------------------------- whoever stands in the ledger does not come in again

-- Marks are made of identifiers with the keyring, which the database has not.
create function app.erased_among(marks uuid[]) returns setof uuid
language sql stable security definer set search_path = app, pg_temp as $$
  select m.mark from erasure_mark m where m.mark = any (marks)
$$;
comment on function app.erased_among is 'Those of the marks that the ledger has.';
create function app.account_outside(of_account bigint) returns text
language sql stable security definer set search_path = app, pg_temp as $$
  select a.public_id from account a where a.id = of_account
$$;
comment on function app.account_outside is
  'What an account is called outside, for whoever has just shown its credentials: its mark is made of it.';
create function app.card_outside(digest bytea) returns text
language sql stable security definer set search_path = app, pg_temp as $$
  select s.public_id
    from student_card k join student s on s.school_id = k.school_id and s.id = k.student_id
   where k.secret_digest = digest
$$;
comment on function app.card_outside is
  'What the child whose card this is is called outside, for whoever holds the card: its mark is made of it.';
revoke execute on function app.erased_among(uuid[]), app.account_outside(bigint), app.card_outside(bytea) from public;
grant execute on function app.erased_among(uuid[]), app.account_outside(bigint), app.card_outside(bytea)
  to backoffice_app, backoffice_system;

drop function app.begin_student_session(
  bytea, text, uuid, timestamptz, integer, integer, timestamptz, bytea, text, bytea, boolean, uuid);
create function app.begin_student_session(
  index_of_code bytea, student text, token uuid, at timestamptz, idle_shared integer, idle_own integer,
  until timestamptz, from_address bytea, verified_pin text default null, of_tablet bytea default null,
  only_there boolean default false, on_device uuid default null, erased uuid default null)
returns table (session_id bigint, school_id bigint, idle_minutes integer, vouches boolean)
language plpgsql security definer set search_path = app, pg_temp as $$
#variable_conflict use_column
begin
  insert into student_session (token_id, school_id, classroom_id, student_id, code_id, started_at,
                               last_seen_at, idle_minutes, expires_at, address, tablet_id, device)
  select token, o.school_id, o.classroom_id, s.id, o.code_id, at, at,
         case when o.shared_devices then idle_shared else idle_own end, until, from_address, t.id, on_device
    from open_code(index_of_code, at) o
    join classroom_code k on k.school_id = o.school_id and k.id = o.code_id and k.ended_at is null
    join student s on s.school_id = o.school_id and s.public_id = student
                  and s.pin_hash is not distinct from verified_pin
    join enrollment e on e.school_id = o.school_id and e.classroom_id = o.classroom_id
                     and e.student_id = s.id and e.ended_at is null
   cross join lateral tablet_here(of_tablet, o.school_id, o.classroom_id, at) t (id)
   where (t.id is not null or not only_there)
     and not exists (select from erasure_mark m where m.mark = erased)
     for share of k, s, e
  returning student_session.id, student_session.school_id, student_session.idle_minutes
       into session_id, school_id, idle_minutes;
  if not found then return; end if;
  select s.kind <> 'personal' into vouches from school s where s.id = school_id;
  -- There is no principal yet, and the school's trail is to say that a child came in.
  perform set_ids('begun_in', array[school_id]);
  return next;
end $$;
comment on function app.begin_student_session is
  'Begins a session of a child of the class behind an open code: at the class''s tablet if it is one, and nowhere else if so asked.';
revoke execute on function app.begin_student_session(
  bytea, text, uuid, timestamptz, integer, integer, timestamptz, bytea, text, bytea, boolean, uuid, uuid) from public;
grant execute on function app.begin_student_session(
  bytea, text, uuid, timestamptz, integer, integer, timestamptz, bytea, text, bytea, boolean, uuid, uuid) to backoffice_app, backoffice_system;

drop function app.begin_account_session(
  bigint, integer, text, bytea, timestamptz, integer, timestamptz, bytea, bytea);
create function app.begin_account_session(
  of_account bigint, of_epoch integer, id_outside text, digest bytea, at timestamptz, idle integer,
  until timestamptz, from_address bytea, from_device bytea, erased uuid default null)
returns bigint
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  made bigint;
begin
  insert into account_session (public_id, account_id, token_digest, security_epoch, started_at,
                               last_seen_at, idle_minutes, expires_at, address, device, proven_at)
  select id_outside, a.id, digest, of_epoch, at, at, idle, until, from_address, from_device, at
    from account a where a.id = of_account and a.status = 'active' and a.security_epoch = of_epoch
     and not exists (select from erasure_mark m where m.mark = erased)
  returning account_session.id into made;
  if made is not null then
    update account set last_active_at = at where id = of_account;
  end if;
  return made;
end $$;
comment on function app.begin_account_session is 'Begins a session of an account whose credentials were right.';
revoke execute on function app.begin_account_session(
  bigint, integer, text, bytea, timestamptz, integer, timestamptz, bytea, bytea, uuid) from public;
grant execute on function app.begin_account_session(
  bigint, integer, text, bytea, timestamptz, integer, timestamptz, bytea, bytea, uuid) to backoffice_app, backoffice_system;

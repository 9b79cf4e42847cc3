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

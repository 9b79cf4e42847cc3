alter table app.contract_end enable row level security;
alter table app.contract_end force row level security;
create policy owner on app.contract_end to backoffice_owner using (true) with check (true);
create policy system on app.contract_end to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');
-- Whoever works there may know that it ends; founders say so.
create policy app_read on app.contract_end for select to backoffice_app
  using (school_id = any ((select app.ids('schools'))::bigint[])
         or district_id = any ((select app.ids('districts'))::bigint[])
         or (select app.is_founder()));
create policy app_insert on app.contract_end for insert to backoffice_app
  with check ((select app.is_founder()) and begun_at is null);
-- From the beginning of the erasure on there is no way back. Not `begun_at` in `using`: whoever says it anew then
-- is to be told so, and not to run into an error.
create policy app_write on app.contract_end for update to backoffice_app
  using ((select app.is_founder())) with check ((select app.is_founder()) and begun_at is null);
grant select, insert on app.contract_end to backoffice_app;
grant update (ends_at, due_at, told_days, told_at, told_by) on app.contract_end to backoffice_app;
grant usage on sequence app.contract_end_id_seq to backoffice_app, backoffice_system;
grant select, insert, update, delete on app.contract_end to backoffice_system;

create function app.continue_contract(number bigint) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  delete from contract_end e
   where e.id = number and e.begun_at is null and (is_founder() or purpose() <> '');
  return found;
end $$;
comment on function app.continue_contract is
  'Forgets that a contract ends, as long as its erasure has not begun. For founders, and at the server.';
revoke execute on function app.continue_contract(bigint) from public;
grant execute on function app.continue_contract(bigint) to backoffice_app, backoffice_system;

alter table app.ownerless_class enable row level security;
alter table app.ownerless_class force row level security;
create policy owner on app.ownerless_class to backoffice_owner using (true) with check (true);
create policy system on app.ownerless_class to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');
create policy app_read on app.ownerless_class for select to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[]));
grant select on app.ownerless_class to backoffice_app;
grant select, insert, update, delete on app.ownerless_class to backoffice_system;

-- ------------------------------------------------------------------- classes that lose their last teacher

-- By whatever way: an account is erased, a place ends, a roster names somebody else. In a school of one's own
-- a class passes to a co-teacher or goes with its teacher.
create function app.note_ownerless() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  -- Of two teachers who go at the same moment each would see the other: the second waits for the first.
  perform from gone g
    join classroom c on c.school_id = g.school_id and c.id = g.classroom_id
    join school s on s.id = c.school_id and s.kind = 'school'
   where g.role in ('owner', 'co_teacher')
   order by c.school_id, c.id for no key update of c;
  insert into ownerless_class (school_id, classroom_id)
  select distinct c.school_id, c.id
    from gone g
    join classroom c on c.school_id = g.school_id and c.id = g.classroom_id
    join school s on s.id = c.school_id and s.kind = 'school'
   where g.role in ('owner', 'co_teacher')
     and not exists (select from teaching_role t
                      where t.school_id = c.school_id and t.classroom_id = c.id
                        and t.role in ('owner', 'co_teacher'))
  on conflict do nothing;
  return null;
end $$;
comment on function app.note_ownerless is 'Notes the classes that have just lost their last teacher.';

create function app.forget_ownerless() returns trigger
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  delete from ownerless_class o using came c
   where o.school_id = c.school_id and o.classroom_id = c.classroom_id and c.role in ('owner', 'co_teacher');
  return null;
end $$;
comment on function app.forget_ownerless is 'Forgets it of the classes that somebody teaches again.';

create trigger note_ownerless after delete on app.teaching_role
  referencing old table as gone for each statement execute function app.note_ownerless();
create trigger note_ownerless_by_change after update on app.teaching_role
  referencing old table as gone for each statement execute function app.note_ownerless();
create trigger forget_ownerless after insert on app.teaching_role
  referencing new table as came for each statement execute function app.forget_ownerless();
create trigger forget_ownerless_by_change after update on app.teaching_role
  referencing new table as came for each statement execute function app.forget_ownerless();
revoke execute on function app.note_ownerless(), app.forget_ownerless() from public;

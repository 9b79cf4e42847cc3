-- Several students of one school are erased by one erasure, with one receipt.

drop policy app_insert on app.erasure;
create policy app_insert on app.erasure for insert to backoffice_app
  with check (asked_by = any ((select app.ids('account'))::bigint[])
              and stage = 'looking' and confirmed_at is null and found is null and plan is null and receipt is null
              and (school_id = any ((select app.ids('led_schools'))::bigint[]) and asked_as = 'leader'
                   or asked_as = 'teacher'
                      and (subject = 'classroom' and subject_id = any ((select app.rooms_owned())::bigint[])
                           or subject = 'student'
                              and not exists (
                                select from unnest(coalesce(chosen, array[subject_id])) as s (id)
                                 where not exists (
                                   select from app.enrollment e
                                    where e.student_id = s.id and e.school_id = erasure.school_id
                                      and e.ended_at is null
                                      and e.classroom_id = any ((select app.rooms_owned())::bigint[])))))
              and (subject = 'student'
                   and not exists (
                     select from unnest(coalesce(chosen, array[subject_id])) as s (id)
                      where not exists (select from app.student t
                                         where t.id = s.id and t.school_id = erasure.school_id))
                   or subject = 'classroom'
                   and exists (select from app.classroom c where c.id = subject_id and c.school_id = erasure.school_id)));

create or replace function app.leave_erasure(number bigint) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  update erasure e set stage = 'lapsed', subject_id = null, chosen = null, found = null
   where e.id = number and e.asked_by = any (ids('account')) and e.stage in ('looking', 'previewed');
  return found;
end $$;

create or replace function app.being_erased(kind text, number bigint) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select exists (select from erasure e
                  where e.subject = kind and e.subject_id = number
                    and e.stage in ('confirmed', 'held', 'noted', 'erased'))
      or kind = 'student'
         and exists (select from erasure e
                      where e.chosen is not null and number = any (e.chosen)
                        and e.stage in ('confirmed', 'held', 'noted', 'erased'))
$$;

create function app.erased_by_others(of_erasure bigint) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  it erasure;
begin
  select e.* into it from erasure e
   where e.id = of_erasure and (purpose() <> '' or e.asked_by = any (ids('account')));
  if not found or it.school_id is null then return false; end if;
  -- Of two that are confirmed at once the second sees the first, and neither waits for rows of the other.
  perform pg_advisory_xact_lock(hashtextextended('erasing in ' || it.school_id, 7204));
  return it.subject = 'student' and exists (
    select from erasure o
     where o.school_id = it.school_id and o.subject = 'student' and o.id <> it.id
       and o.stage in ('confirmed', 'held', 'noted', 'erased')
       -- Not by `&&`, which compares each with each.
       and exists (select unnest(coalesce(it.chosen, array[it.subject_id]))
                   intersect
                   select unnest(coalesce(o.chosen, array[o.subject_id]))));
end $$;
comment on function app.erased_by_others is
  'Whether another erasure is under way of some of the students whom this one is of. Whoever else asks about one in its school waits for the transaction''s end.';
revoke execute on function app.erased_by_others(bigint) from public;
grant execute on function app.erased_by_others(bigint) to backoffice_app, backoffice_system;

create or replace function pg_temp.amend(whose regprocedure, place text, said text) returns void
language plpgsql as $$
declare
  whole text := pg_get_functiondef(whose);
begin
  if position(place in whole) = 0 then
    raise exception '% does not say what this migration expects.', whose;
  end if;
  execute replace(whole, place, said);
end $$;

do $$
declare
  merges regprocedure;
  ends constant regprocedure := 'app.end_access(bigint, timestamptz)'::regprocedure;
begin
  select p.oid into merges from pg_proc p
   where p.pronamespace = 'app'::regnamespace and p.proname = 'merge_students';
  perform pg_temp.amend(merges, 'then e.subject_id in (keeper, merged)',
                        'then e.subject_id in (keeper, merged) or e.chosen && array[keeper, merged]');
  perform pg_temp.amend(ends, 'i.student_id = it.subject_id', 'i.student_id = any (those)');
  perform pg_temp.amend(ends, 'k.student_id = it.subject_id', 'k.student_id = any (those)');
  perform pg_temp.amend(ends, 's.student_id = it.subject_id', 's.student_id = any (those)');
  perform pg_temp.amend(ends, 'places bigint[];', 'places bigint[];
  those bigint[];');
  perform pg_temp.amend(ends, 'if it.subject = ''student'' then', 'those := coalesce(it.chosen, array[it.subject_id]);
  if it.subject = ''student'' then');
end $$;

-- Merging two students leaves behind what it must, and no more; and meets whoever changes a class in their order.

-- The web may not call it: it asks nobody whose the students are.
create function app.move_plugin_rows(of_school bigint, keeper bigint, merged bigint)
returns table (schema_name text, stayed bigint)
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  place record;
  spot tid;
begin
  for place in
    select c.conrelid::regclass as here, n.nspname::text as schema_name,
           max(a.attname) filter (where f.attname = 'school_id') as school,
           max(a.attname) filter (where f.attname = 'id') as student
      from pg_constraint c
      join pg_namespace n on n.oid = c.connamespace
     cross join lateral unnest(c.conkey, c.confkey) as k (own, theirs)
      join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.own
      join pg_attribute f on f.attrelid = c.confrelid and f.attnum = k.theirs
     where c.contype = 'f' and c.confrelid = 'app.student'::regclass
       and c.connamespace <> 'app'::regnamespace
     group by c.oid, c.conrelid, n.nspname
     order by c.oid
  loop
    schema_name := place.schema_name;
    stayed := 0;
    begin
      execute format('update %s set %I = $1 where %I = $2 and %I = $3',
                     place.here, place.student, place.school, place.student)
        using keeper, of_school, merged;
    exception when unique_violation or exclusion_violation then
      -- One of them is there already. The others are moved all the same.
      for spot in execute format('select ctid from %s where %I = $1 and %I = $2 for update',
                                 place.here, place.school, place.student)
        using of_school, merged
      loop
        begin
          execute format('update %s set %I = $1 where ctid = $2', place.here, place.student)
            using keeper, spot;
        exception when unique_violation or exclusion_violation then
          stayed := stayed + 1;
        end;
      end loop;
    end;
    if stayed > 0 then return next; end if;
  end loop;
end $$;
comment on function app.move_plugin_rows is
  'Gives one student what plugins keep of another, and says of how many rows of which schema it has the same already.';

-- Found out by trying, and undone.
create function app.plugin_rows_that_stay(of_school bigint, keeper bigint, merged bigint)
returns table (schema_name text, stayed bigint)
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  names text[];
  counts bigint[];
begin
  if not may_merge(of_school, array[keeper, merged]) then return; end if;
  begin
    select array_agg(m.schema_name), array_agg(m.stayed) into names, counts
      from move_plugin_rows(of_school, keeper, merged) m;
    raise exception sqlstate 'TRIED';
  exception when sqlstate 'TRIED' then
    null;
  end;
  return query
    select u.name, sum(u.amount)::bigint from unnest(names, counts) as u (name, amount) group by u.name order by u.name;
end $$;
comment on function app.plugin_rows_that_stay is
  'How many rows of plugins merging would leave behind, by schema, for who may merge the two.';

create or replace function app.take_seats_of(of_school bigint, keeper bigint, merged bigint) returns void
language plpgsql security definer set search_path = app, pg_temp as $$
declare
  had enrollment[] := array(select e from enrollment e where e.school_id = of_school and e.student_id = keeper);
begin
  insert into enrollment as e (school_id, classroom_id, student_id, alias, avatar, balance, goal, joined_at,
                               ended_at)
  select g.school_id, g.classroom_id, keeper, g.alias, g.avatar, g.balance, g.goal, g.joined_at, g.ended_at
    from enrollment g where g.school_id = of_school and g.student_id = merged
  on conflict (school_id, classroom_id, student_id) do update
     set balance = e.balance + excluded.balance, alias = coalesce(e.alias, excluded.alias),
         goal = coalesce(e.goal, excluded.goal), joined_at = least(e.joined_at, excluded.joined_at),
         ended_at = case when e.ended_at is not null and excluded.ended_at is not null
                         then greatest(e.ended_at, excluded.ended_at) end;
  -- A place is a roster's to end if each that goes on in it was, and what a roster says of either it says of the one.
  update enrollment e
     set in_source = case when h.classroom_id is null then g.in_source else h.in_source or g.in_source end,
         origin = case when h.classroom_id is null then g.origin
                       when h.ended_at is null and (g.ended_at is not null or g.origin = 'roster') then h.origin
                       when g.ended_at is null then g.origin
                       else h.origin end
    from enrollment g left join unnest(had) h on h.classroom_id = g.classroom_id
   where g.school_id = of_school and g.student_id = merged
     and e.school_id = of_school and e.student_id = keeper and e.classroom_id = g.classroom_id;
end $$;

create or replace function app.merge_students(of_school bigint, keeper bigint, merged bigint, moment timestamptz)
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

  delete from student s where s.school_id = of_school and s.id = merged;
  return 'merged';
end $$;

revoke execute on function app.move_plugin_rows(bigint, bigint, bigint),
  app.plugin_rows_that_stay(bigint, bigint, bigint) from public;
grant execute on function app.plugin_rows_that_stay(bigint, bigint, bigint) to backoffice_app;

-- ------------------------------------------------------------------------------------ owners who can act

create function app.owners_who_act(of_school bigint, of_classroom bigint) returns bigint[]
language sql stable security definer set search_path = app, pg_temp as $$
  select coalesce(array_agg(t.account_id), '{}')
    from teaching_role t join account a on a.id = t.account_id and a.status = 'active'
   where t.school_id = of_school and t.classroom_id = of_classroom and t.role = 'owner'
     and not exists (select from membership m
                      where m.school_id = t.school_id and m.account_id = t.account_id
                        and m.suspended_at is not null)
$$;
comment on function app.owners_who_act is 'The owners of a class whose account and place at the school are not suspended.';

create or replace function app.has_other_owner(of_school bigint, of_classroom bigint, of_account bigint) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  -- Owners who go at the same time go one after the other.
  perform from classroom c where c.school_id = of_school and c.id = of_classroom for update;
  return exists (select from unnest(owners_who_act(of_school, of_classroom)) as o (id) where o.id <> of_account);
end $$;

-- For pages, which hold nothing.
create function app.owners_seen(of_school bigint, of_classroom bigint) returns bigint[]
language sql stable security definer set search_path = app, pg_temp as $$
  select case when of_school = any (ids('led_schools')) or of_classroom = any (ids('classrooms'))
              then owners_who_act(of_school, of_classroom) else '{}' end
$$;
comment on function app.owners_seen is
  'The owners of a class who can act, for who teaches it or leads its school.';

revoke execute on function app.owners_who_act(bigint, bigint), app.owners_seen(bigint, bigint) from public;
grant execute on function app.owners_seen(bigint, bigint) to backoffice_app;

alter table app.roster_change_student alter column names set statistics 0;

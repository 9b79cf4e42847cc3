-- Numbers of the schools that a page shows, and of all together, instead of each school's on every page.

create function app.countable() returns bigint[]
language sql stable security definer set search_path = app, pg_temp as $$
  select ids('led_schools') || array(
    select s.id from membership m join school s on s.id = m.school_id or s.district_id = m.district_id
     where m.account_id = any (ids('account')) and m.role = 'privacy_officer')
$$;
comment on function app.countable is 'Schools that the principal may count; a founder, who may count all, is not asked.';

drop function app.school_counts();

create function app.school_counts(wanted bigint[])
returns table (school_id bigint, classrooms bigint, students bigint, staff bigint)
language sql stable security definer set search_path = app, pg_temp as $$
  select s.id,
         (select count(*) from classroom c where c.school_id = s.id),
         (select count(*) from student p where p.school_id = s.id),
         (select count(distinct m.account_id) from membership m where m.school_id = s.id)
    from school s
   where s.id = any (wanted) and (is_founder() or s.id = any ((select countable())::bigint[]))
$$;
comment on function app.school_counts is 'Numbers of these schools, for those who see schools but no children.';

create function app.school_totals()
returns table (schools bigint, classrooms bigint, students bigint, staff bigint)
language plpgsql stable security definer set search_path = app, pg_temp as $$
declare
  mine bigint[];
begin
  if is_founder() then
    return query select (select count(*) from school), (select count(*) from classroom),
      (select count(*) from student),
      (select count(distinct m.account_id) from membership m where m.school_id is not null);
    return;
  end if;
  mine := countable();
  return query select (select count(*) from school s where s.id = any (mine)),
    (select count(*) from classroom c where c.school_id = any (mine)),
    (select count(*) from student p where p.school_id = any (mine)),
    (select count(distinct m.account_id) from membership m where m.school_id = any (mine));
end $$;
comment on function app.school_totals is 'Numbers of all schools that the principal may count, together.';

revoke execute on function app.countable(), app.school_counts(bigint[]), app.school_totals() from public;
grant execute on function app.school_counts(bigint[]), app.school_totals() to backoffice_app, backoffice_system;

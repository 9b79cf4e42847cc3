-- What a district pays for is shared by its schools: whoever takes a place at one leaves fewer to the others.

drop function plugin_billing.standing(bigint);

create function plugin_billing.seated_elsewhere(of_school bigint) returns bigint
language sql stable security definer set search_path = app, pg_temp as $$
  select count(distinct s)
    from school own
    join school h on h.district_id = own.district_id and h.id <> own.id
   cross join lateral seated_at(h.id) as s
   where own.id = of_school and s not in (select seated_at(of_school))
$$;
comment on function plugin_billing.seated_elsewhere is
  'How many have a place at other schools of the district, and none at this one.';

create function plugin_billing.standing(of_school bigint) returns
  table (of_district boolean, plan text, status text, seats integer, owed_since timestamptz, elsewhere bigint)
language sql stable security definer set search_path = plugin_billing, app, pg_temp as $$
  select c.district_id is not null, s.plan, s.status, s.seats, s.owed_since,
         case when c.district_id is not null then seated_elsewhere(of_school) else 0 end
    from customer c join subscription s on s.customer_id = c.id
   where (c.school_id = of_school
          or c.district_id = (select h.district_id from school h where h.id = of_school))
     and s.status not in ('canceled', 'incomplete_expired', 'incomplete', 'paused')
     and (of_school = any (ids('schools')) or of_school = any (ids('staffed_schools')) or is_founder()
          or purpose() <> '')
$$;
comment on function plugin_billing.standing is
  'What a school, or its district, has subscribed to: for everybody who works there, since it says what they may make.';

create function plugin_billing.used_by_district(
  of_district bigint, out seats bigint, out classes bigint, out students bigint)
returns setof record
language sql stable security definer set search_path = plugin_billing, app, pg_temp as $$
  select (select count(distinct s) from school h cross join lateral seated_at(h.id) as s
           where h.district_id = of_district),
         (select count(*) from classroom c join school h on h.id = c.school_id
           where h.district_id = of_district and c.archived_at is null),
         (select count(*) from student t join school h on h.id = t.school_id
           where h.district_id = of_district)
   where of_district = any (paid_for_districts()) or is_founder() or purpose() <> ''
$$;
comment on function plugin_billing.used_by_district is
  'How much the schools of a district have of what a plan can limit, each person once: for whoever leads it.';

revoke execute on function
  plugin_billing.seated_elsewhere(bigint), plugin_billing.standing(bigint),
  plugin_billing.used_by_district(bigint) from public;
grant execute on function plugin_billing.standing(bigint), plugin_billing.used_by_district(bigint)
  to backoffice_app, backoffice_system;

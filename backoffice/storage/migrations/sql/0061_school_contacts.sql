-- Nothing of what is sealed is to stand in the planner's samples.
alter table app.district alter column security_contact set statistics 0, alter column postal_address set statistics 0;

-- Not by grants of the columns: founders would need a policy to write schools, and it would hold for all columns
-- that leaders may write.
create function app.set_school_contacts(of_school bigint, new_contact bytea, new_address bytea) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  if not (of_school = any (ids('led_schools')) or is_founder()) then
    return false;
  end if;
  update school s set security_contact = new_contact, postal_address = new_address
   where s.id = of_school and s.kind = 'school' and s.erasing_since is null;
  return found;
end $$;
comment on function app.set_school_contacts is
  'Sets, sealed, whom notices to a school go to and where its letters go. For who leads it, and founders.';
revoke execute on function app.set_school_contacts(bigint, bytea, bytea) from public;
grant execute on function app.set_school_contacts(bigint, bytea, bytea) to backoffice_app;

create function app.leads_district(of_district bigint) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select is_founder() or exists (
    select from membership m
     where m.district_id = of_district and m.district_id = any (ids('districts'))
       and m.account_id = any (ids('account')) and m.role = 'leader' and m.suspended_at is null)
$$;
comment on function app.leads_district is 'Whether the principal is a founder or leads a district as a whole.';
revoke execute on function app.leads_district(bigint) from public;
grant execute on function app.leads_district(bigint) to backoffice_app;

create function app.set_district_contacts(of_district bigint, new_contact bytea, new_address bytea) returns boolean
language plpgsql security definer set search_path = app, pg_temp as $$
begin
  if not leads_district(of_district) then
    return false;
  end if;
  update district d set security_contact = new_contact, postal_address = new_address where d.id = of_district;
  return found;
end $$;
comment on function app.set_district_contacts is
  'Sets, sealed, whom notices to a district go to and where its letters go. For who leads it, and founders.';
revoke execute on function app.set_district_contacts(bigint, bytea, bytea) from public;
grant execute on function app.set_district_contacts(bigint, bytea, bytea) to backoffice_app;

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

-- Who comes in is told whether there is any view: most have none, and no list of theirs needs to ask.
-- It sees what its caller sees, and keeps its plans.
create function app.has_views(of_account bigint, at_schools bigint[], few integer) returns boolean
language plpgsql stable set search_path = app, pg_temp as $$
begin
  return exists (select from saved_view v where v.account_id = of_account and v.school_id is null)
      -- Whoever leads, teaches at and watches over a school has it thrice.
      or (cardinality(at_schools) <= 3 * few
          and (select count(distinct each) from unnest(at_schools) as each) <= few
          and exists (select from saved_view v where v.school_id = any (at_schools)));
end $$;
comment on function app.has_views is
  'Whether the principal sees a view of its own or, with few schools, one of theirs.';

revoke execute on function app.has_views(bigint, bigint[], integer) from public;
grant execute on function app.has_views(bigint, bigint[], integer) to backoffice_app, backoffice_system;

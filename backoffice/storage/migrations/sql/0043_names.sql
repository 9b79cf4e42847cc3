-- Looking for students by the beginnings of their names, at many schools.
--
-- Comparing arrays is not leakproof: under row-level security an index of them is of no use, and a name would be
-- looked for in each student of a district. This looks it up by the index, and tells no more than which rows there
-- are, at schools of the principal alone; whoever asks reads the rows themselves under their policies, as always.
-- GIN is read by bitmaps only, which lists of very many rows switch off for their own statements.
create function app.find(schools bigint[], tokens bytea[]) returns table (school_id bigint, id bigint)
language sql stable security definer rows 50
set search_path = app, pg_temp set enable_bitmapscan = on as $$
  -- A name's token is another one in each school: equally many for each stand one after the other.
  with here as materialized (
    select given.school_id, given.place
      from unnest(schools) with ordinality as given (school_id, place)
     where given.school_id in (select unnest(ids('staffed_schools')))),
  words as materialized (select cardinality(tokens) / nullif(cardinality(schools), 0) as each)
  select named.school_id, named.id from here cross join words
   cross join lateral (
     -- `offset 0` keeps the school out of the look-up, which would else read all students of the school.
     select s.school_id, s.id from student s
      where words.each > 0 and s.name_tokens @> tokens[(here.place - 1) * words.each + 1 : here.place * words.each]
     offset 0) as named
   where named.school_id = here.school_id
$$;
comment on function app.find is
  'The students at these schools of the principal whose names have all of the tokens given for their school.';

revoke execute on function app.find(bigint[], bytea[]) from public;
grant execute on function app.find(bigint[], bytea[]) to backoffice_app;

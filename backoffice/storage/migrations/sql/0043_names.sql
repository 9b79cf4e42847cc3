-- Looking for students by the beginnings of their names, at many schools.
--
-- Comparing arrays is not leakproof: under row-level security an index of them is of no use, and a name would be
-- looked for in each student of a district. This looks it up by the index, and tells no more than which rows there
-- are, at schools of the principal alone; whoever asks reads the rows themselves under their policies, as always.
create function app.find(schools bigint[], tokens bytea[]) returns table (school_id bigint, id bigint)
language sql stable security definer rows 50 set search_path = app, pg_temp as $$
  -- A name's token is another one in each school: equally many for each stand one after the other. `offset 0`
  -- keeps the school out of the look-up, which would else read all students of the school.
  select named.school_id, named.id
    from unnest(schools) with ordinality as here (school_id, place)
    join unnest(ids('staffed_schools')) as own (school_id) on own.school_id = here.school_id
   cross join lateral (select cardinality(tokens) / cardinality(schools) as each) as words
   cross join lateral (
     select s.school_id, s.id from student s
      where words.each > 0 and s.name_tokens @> tokens[(here.place - 1) * words.each + 1 : here.place * words.each]
     offset 0) as named
   where named.school_id = here.school_id
$$;
comment on function app.find is
  'The students at these schools of the principal whose names have all of the tokens given for their school.';

revoke execute on function app.find(bigint[], bytea[]) from public;
grant execute on function app.find(bigint[], bytea[]) to backoffice_app, backoffice_system;

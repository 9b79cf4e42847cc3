-- What rosters say of places in classes is for imports alone, as what they are recognised by.

do $$
declare
  t text;
begin
  foreach t in array array['teaching_source', 'unseated'] loop
    execute format('alter table plugin_rosters.%I enable row level security', t);
    execute format('alter table plugin_rosters.%I force row level security', t);
    execute format('create policy owner on plugin_rosters.%I to backoffice_owner using (true) with check (true)', t);
    execute format('create policy system on plugin_rosters.%I to backoffice_system
                    using ((select app.purpose()) <> '''') with check ((select app.purpose()) <> '''')', t);
    execute format('grant select, insert, update, delete on plugin_rosters.%I to backoffice_system', t);
  end loop;
end $$;
alter table plugin_rosters.classroom_source alter column year_digest set statistics 0;

-- Until now nobody kept what a roster had given. Between what imports made it is taken for theirs, as they took
-- it themselves; what has ended there was ended by hand or is not in the roster any more, and stays ended.
update app.enrollment e set origin = 'roster', in_source = true
  from plugin_rosters.classroom_source c, plugin_rosters.student_source s
 where c.school_id = e.school_id and c.classroom_id = e.classroom_id
   and s.school_id = e.school_id and s.student_id = e.student_id;
update app.teaching_role t set origin = 'roster'
  from plugin_rosters.classroom_source c, plugin_rosters.account_source a
 where c.school_id = t.school_id and c.classroom_id = t.classroom_id
   and a.school_id = t.school_id and a.account_id = t.account_id
   and t.role in ('owner', 'co_teacher') and t.origin in ('rosters-import', 'rosters.import', 'earlier');
insert into plugin_rosters.teaching_source (school_id, classroom_id, account_id, role)
select t.school_id, t.classroom_id, t.account_id, t.role from app.teaching_role t where t.origin = 'roster';

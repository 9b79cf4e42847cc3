-- Logs that are kept by the day: forgetting one is dropping a table, whatever its size.

-- -------------------------------------------------------------------------------- where the days of logs lie

-- Nobody but the owner has a right on the schema, so that a day is reached through its log and its policies alone.
create schema partitions;
comment on schema partitions is 'The days of logs that are kept by the day. Only the owner comes in.';

create function app.log_key(of text) returns name
language plpgsql stable set search_path = app, pg_temp as $$
declare
  key name;
begin
  select a.attname into key from pg_partitioned_table p
    join pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
   where p.partrelid = to_regclass(of) and p.partstrat = 'r' and p.partnatts = 1
     and a.atttypid = 'timestamptz'::regtype;
  if key is null or purpose() = '' then
    raise insufficient_privilege using message = 'Not a log that is kept by the day, or nobody is at work.';
  end if;
  return key;
end $$;
comment on function app.log_key is 'The column by which a log is kept by the day; refuses whatever is none.';

create function app.rest_of(of text) returns regclass
language sql stable set search_path = app, pg_temp as $$
  select partdefid::regclass from pg_partitioned_table where partrelid = to_regclass(of) and partdefid <> 0
$$;
comment on function app.rest_of is 'What catches the rows of a log that have no day.';

create function app.days_of(of text) returns table (day regclass, name text)
language sql stable set search_path = app, pg_temp as $$
  select c.oid::regclass, c.relname::text
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
   where i.inhparent = to_regclass(of) and c.oid is distinct from rest_of(of)
   order by c.relname
$$;
comment on function app.days_of is 'The days of a log in their order, which is that of their names.';

-- As the database has it, whatever a day is called.
create function app.bounds_of(day regclass, out since timestamptz, out until timestamptz)
language plpgsql stable set search_path = app, pg_temp set timezone = 'UTC' set datestyle = 'ISO' as $$
declare
  found text[] := regexp_match((select pg_get_expr(c.relpartbound, c.oid) from pg_class c where c.oid = day),
                               $r$FROM \('([^']+)'\) TO \('([^']+)'\)$r$);
begin
  since := found[1]::timestamptz;
  until := found[2]::timestamptz;
end $$;
comment on function app.bounds_of is 'When a day begins and when it is over.';

create function app.rows_of_day(day regclass, out amount bigint, out counted boolean)
language plpgsql set search_path = app, pg_temp as $$
declare
  plan json;
begin
  counted := pg_relation_size(day) <= 8 * 1024 * 1024;
  if counted then
    execute format('select count(*) from %s', day) into amount;
  else
    -- To read it all would take longer than to drop it.
    execute format('explain (format json) select from %s', day) into plan;
    amount := plan -> 0 -> 'Plan' ->> 'Plan Rows';
  end if;
end $$;
comment on function app.rows_of_day is 'How many rows a day has: counted where it is small, else as the planner has it.';

-- ------------------------------------------------------------------------------------------ looking after them

create function app.log_days(of text, before timestamptz)
returns table (since timestamptz, until timestamptz, amount bigint, counted boolean)
language plpgsql security definer set search_path = app, pg_temp set timezone = 'UTC' as $$
declare
  key name := log_key(of);
  day regclass;
begin
  for day in select d.day from days_of(of) d loop
    select b.since, b.until into since, until from bounds_of(day) b;
    exit when until > before;
    select r.amount, r.counted into amount, counted from rows_of_day(day) r;
    return next;
  end loop;
  return query execute format(
    'select %1$I::date::timestamptz, %1$I::date::timestamptz + interval ''1 day'', count(*), true
       from %2$s where %1$I < $1 and %1$I::date::timestamptz + interval ''1 day'' <= $1
      group by 1, 2', key, rest_of(of)) using before;
end $$;
comment on function app.log_days is
  'The days of a log that ended before a moment, with how many rows each has; last what came without a day.';

create function app.log_has_day(of text, before timestamptz) returns boolean
language plpgsql stable security definer set search_path = app, pg_temp as $$
begin
  perform log_key(of);
  return coalesce((select b.until <= before from (select d.day from days_of(of) d limit 1) d, bounds_of(d.day) b),
                  false);
end $$;
comment on function app.log_has_day is 'Whether the oldest day of a log ended before a moment.';

create function app.log_oldest(of text) returns timestamptz
language plpgsql stable security definer set search_path = app, pg_temp as $$
declare
  key name := log_key(of);
  day regclass;
  oldest timestamptz;
  loose timestamptz;
begin
  execute format('select min(%I) from %s', key, rest_of(of)) into loose;
  for day in select d.day from days_of(of) d loop
    execute format('select min(%I) from %s', key, day) into oldest;
    exit when oldest is not null;
  end loop;
  return least(oldest, loose);
end $$;
comment on function app.log_oldest is 'The moment of the oldest row of a log: the first of the first day that has one.';

create function app.name_of_day(of text, day date) returns text
language sql immutable set search_path = app, pg_temp as $$
  select format('partitions.%I', replace(of, '.', '_') || to_char(day, '"_"YYYYMMDD'))
$$;
comment on function app.name_of_day is 'What a day of a log is called, as `schema.table`.';

create function app.days_to_make(of text, first date, last date) returns setof date
language plpgsql security definer set search_path = app, pg_temp set timezone = 'UTC' as $$
begin
  return query execute format(
    'select w.wanted from (select generate_series($1, $2, interval ''1 day'')::date as wanted
                           union select distinct %I::date from %s) w
      where to_regclass(app.name_of_day($3, w.wanted)) is null order by 1',
    log_key(of), rest_of(of)) using first, last, of;
end $$;
comment on function app.days_to_make is 'Those of some days, and of the days of rows that had none, that a log has not.';

create function app.make_day(of text, day date) returns bigint
language plpgsql security definer set search_path = app, pg_temp set timezone = 'UTC'
  -- Whoever writes or reads meanwhile waits no longer than this.
  set lock_timeout = '250ms' as $$
declare
  key name := log_key(of);
  parent regclass := to_regclass(of);
  rest regclass := rest_of(of);
  made text := name_of_day(of, day);
  begins timestamptz := day;
  ends timestamptz := day + 1;
  col record;
  moved bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended('days of ' || of, 7203));
  -- As it is now: what a session remembers of names may be from before the lock.
  if exists (select from days_of(of) d where format('partitions.%I', d.name) = made) then
    return null;
  end if;
  execute format('create table %s (like %s including all excluding identity)', made, parent);
  -- What may not be sampled there may not be here.
  for col in select a.attname, a.attstattarget from pg_attribute a
              where a.attrelid = parent and a.attnum > 0 and not a.attisdropped and a.attstattarget >= 0 loop
    execute format('alter table %s alter column %I set statistics %s', made, col.attname, col.attstattarget);
  end loop;
  execute format('alter table %s enable row level security', made);
  execute format('alter table %s force row level security', made);
  execute format('create policy owner on %s to backoffice_owner using (true) with check (true)', made);
  execute format('lock table only %s in share update exclusive mode', parent);
  execute format('lock table %s in access exclusive mode', rest);
  execute format(
    'with moved as (delete from %1$s where %2$I >= $1 and %2$I < $2 returning *)
     insert into %3$s select * from moved', rest, key, made) using begins, ends;
  get diagnostics moved = row_count;
  execute format('alter table %s attach partition %s for values from (%L) to (%L)', parent, made, begins, ends);
  return moved;
end $$;
comment on function app.make_day is
  'Gives a log a day, and the day its rows that had none; how many. Null where it has the day.';

create function app.drop_days(of text, before timestamptz, most integer)
returns table (since timestamptz, until timestamptz, amount bigint, counted boolean)
language plpgsql security definer set search_path = app, pg_temp set lock_timeout = '250ms' as $$
declare
  day regclass;
  dropped integer := 0;
begin
  perform log_key(of);
  perform pg_advisory_xact_lock(hashtextextended('days of ' || of, 7203));
  for day in select d.day from days_of(of) d limit most loop
    select b.since, b.until into since, until from bounds_of(day) b;
    exit when until > before;
    if dropped = 0 then
      -- From here on nobody writes to it: what is counted is what goes.
      execute format('lock table only %s in access exclusive mode', to_regclass(of));
    end if;
    select r.amount, r.counted into amount, counted from rows_of_day(day) r;
    execute format('drop table %s', day);
    dropped := dropped + 1;
    return next;
  end loop;
end $$;
comment on function app.drop_days is
  'Drops the oldest days of a log that ended before a moment, so many at most; how many rows each had.';

revoke execute on function app.log_key(text), app.days_of(text), app.rest_of(text), app.bounds_of(regclass),
  app.rows_of_day(regclass), app.name_of_day(text, date), app.log_days(text, timestamptz),
  app.log_has_day(text, timestamptz), app.log_oldest(text), app.days_to_make(text, date, date),
  app.make_day(text, date), app.drop_days(text, timestamptz, integer) from public;
grant execute on function app.log_days(text, timestamptz), app.log_has_day(text, timestamptz),
  app.log_oldest(text), app.days_to_make(text, date, date), app.make_day(text, date),
  app.drop_days(text, timestamptz, integer) to backoffice_system;

-- ----------------------------------------------------------------------------------- the details of the trail

alter table app.audit_detail rename to audit_detail_before;
alter table app.audit_detail_before rename constraint pk_audit_detail to pk_audit_detail_before;
alter table app.audit_detail_before rename constraint fk_audit_detail_entry_id to fk_audit_detail_before;
alter index app.ix_audit_detail_about rename to ix_audit_detail_about_before;

create table app.audit_detail (
  entry_id bigint not null,
  at timestamptz not null,
  school_id bigint,
  nonce bytea,
  detail bytea not null,
  about uuid[] not null default '{}',
  redacted boolean not null,
  address bytea,
  constraint pk_audit_detail primary key (entry_id, at),
  constraint fk_audit_detail_entry_id foreign key (entry_id) references app.audit_entry (id) on delete cascade,
  constraint ck_audit_detail_redacted_answers_to_nothing check (redacted = (nonce is null))
) partition by range (at);
create index ix_audit_detail_at on app.audit_detail (at);
create index ix_audit_detail_about on app.audit_detail using gin (about) with (fastupdate = off);
alter table app.audit_detail alter column nonce set statistics 0, alter column detail set statistics 0,
  alter column about set statistics 0, alter column address set statistics 0;
alter table app.audit_detail enable row level security;
alter table app.audit_detail force row level security;
create policy owner on app.audit_detail to backoffice_owner using (true) with check (true);

-- What comes without a day of its own lies here until it has one: nothing is refused.
create table partitions.app_audit_detail_rest partition of app.audit_detail default;
alter table partitions.app_audit_detail_rest enable row level security;
alter table partitions.app_audit_detail_rest force row level security;
create policy owner on partitions.app_audit_detail_rest to backoffice_owner using (true) with check (true);
alter table partitions.app_audit_detail_rest alter column nonce set statistics 0,
  alter column detail set statistics 0, alter column about set statistics 0, alter column address set statistics 0;

do $$
declare
  wanted date;
begin
  perform set_config('app.purpose', 'migration', true);
  for wanted in
    select distinct (e.at at time zone 'UTC')::date from app.audit_detail_before d
      join app.audit_entry e on e.id = d.entry_id
     order by 1
  loop
    perform app.make_day('app.audit_detail', wanted);
  end loop;
  perform set_config('app.purpose', '', true);
end $$;

-- Before the trigger is there, which would have what is redacted begin anew.
insert into app.audit_detail (entry_id, at, school_id, nonce, detail, about, redacted, address)
select d.entry_id, e.at, d.school_id, d.nonce, d.detail, d.about, d.redacted, d.address
  from app.audit_detail_before d join app.audit_entry e on e.id = d.entry_id;
drop table app.audit_detail_before;

create trigger forget_nonce before insert or update of redacted on app.audit_detail
  for each row execute function app.forget_nonce();

drop function app.is_detail_of(bigint, bigint);
create function app.is_detail_of(entry bigint, school bigint, moment timestamptz) returns boolean
language sql stable security definer set search_path = app, pg_temp as $$
  select entry = any (ids('made_entry'))
     and exists (select from audit_entry e
                  where e.id = entry and e.school_id is not distinct from school and e.at = moment)
$$;
comment on function app.is_detail_of is
  'Whether this transaction has just made the entry, in the same school and at the same moment.';
revoke execute on function app.is_detail_of(bigint, bigint, timestamptz) from public;
grant execute on function app.is_detail_of(bigint, bigint, timestamptz) to backoffice_app, backoffice_system;

create policy system on app.audit_detail to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');
create policy app_read on app.audit_detail for select to backoffice_app
  using (school_id = any ((select app.ids('led_schools'))::bigint[]));
create policy app_insert on app.audit_detail for insert to backoffice_app
  with check (app.is_detail_of(entry_id, school_id, at));
grant select, insert on app.audit_detail to backoffice_app;
grant select, insert, delete, update (detail, address, about, redacted) on app.audit_detail to backoffice_system;

-- With their moments, so that the days in which they lie need no search.
drop function app.details_about(uuid[]);
create function app.details_about(marks uuid[]) returns table (entry_id bigint, at timestamptz)
language sql stable security definer set search_path = app, pg_temp as $$
  select d.entry_id, d.at from audit_detail d where d.about && marks
$$;
comment on function app.details_about is
  'Entries of the trail whose details are about these. Not leakproof, so that no index would be used past row-level security.';
revoke execute on function app.details_about(uuid[]) from public;
grant execute on function app.details_about(uuid[]) to backoffice_system;

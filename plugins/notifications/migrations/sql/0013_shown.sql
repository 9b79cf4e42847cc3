-- A school that was told of an incident sees it itself: its own row, and by functions what was said to it, how that
-- went and what laws ask by. What founders call it, write into its timeline, decide and draft is in none of these.

-- Whoever says that a school was told: the sender, a founder, a rule that was answered. A drill is shown to nobody.
create function plugin_notifications.show_once_told() returns trigger
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
begin
  if new.told_at is null then
    new.shown_at := null;
  elsif new.shown_at is null
        and exists (select from incident i where i.id = new.incident_id and not i.is_drill) then
    new.shown_at := new.told_at;
  end if;
  return new;
end $$;
comment on function plugin_notifications.show_once_told is
  'Notes since when a school sees an incident itself: since it was told, and never of a drill.';
create trigger show_once_told before insert or update of told_at, shown_at on plugin_notifications.concerned_school
  for each row execute function plugin_notifications.show_once_told();
update plugin_notifications.concerned_school c set shown_at = c.told_at
  from plugin_notifications.incident i
 where i.id = c.incident_id and not i.is_drill and c.told_at is not null;

drop policy app_read on plugin_notifications.concerned_school;
create policy app_read on plugin_notifications.concerned_school for select to backoffice_app
  using ((select app.is_founder())
         or (shown_at is not null and school_id = any ((select app.ids('schools'))::bigint[])));
grant update (concerned_at, scoped_at) on plugin_notifications.concerned_school to backoffice_app;

create function plugin_notifications.shown_of(numbers bigint[]) returns setof plugin_notifications.concerned_school
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select c.* from concerned_school c
   where c.id = any (numbers) and c.shown_at is not null and c.school_id = any (ids('schools'))
$$;
comment on function plugin_notifications.shown_of is
  'Those of these concerned schools that were told and that the principal is of; for the functions below.';

create function plugin_notifications.told_facts(numbers bigint[])
  returns table (id bigint, role text, risk text, kinds text[], encrypted text, noticed_at timestamptz,
                 determined_at timestamptz, confirmed_at timestamptz, held_since timestamptz, held_until timestamptz,
                 closed_at timestamptz)
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select i.id, i.role, i.risk, i.kinds, i.encrypted, i.noticed_at, i.determined_at, i.confirmed_at, i.held_since,
         i.held_until, i.closed_at
    from incident i where not i.is_drill and i.id in (select c.incident_id from shown_of(numbers) c)
$$;
comment on function plugin_notifications.told_facts is
  'What laws ask of incidents, for whoever is of a school that was told: nothing that founders wrote about them.';

-- What two founders let out to schools while this one was concerned, as long as it is not taken back.
create function plugin_notifications.told_notices(numbers bigint[])
  returns table (concerned_school_id bigint, notice_id bigint, audience text, approved_at timestamptz, template text,
                 template_version integer, said bytea)
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select c.id, n.id, n.audience, n.approved_at, n.template, n.template_version, n.said
    from shown_of(numbers) c join notice n on n.incident_id = c.incident_id
   where n.audience in ('schools', 'letters') and n.state in ('approved', 'sent') and n.paused_at is null
     and (c.concerned_at is null or c.concerned_at <= n.approved_at)
$$;
comment on function plugin_notifications.told_notices is
  'What notices to schools say, sealed, for whoever is of a school that was told: no draft and nothing paused.';

-- To the contact of the school, or to whoever of its own or its district was written to for it.
create function plugin_notifications.told_ways(numbers bigint[])
  returns table (concerned_school_id bigint, notice_id bigint, state text, at timestamptz, people bigint)
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select t.concerned_school_id, t.notice_id,
         case when d.state <> 'queued' or m.state in ('queued', 'sending', 'held') then d.state
              when m.state in ('sent', 'bounced') then m.state else 'failed' end,
         max(d.settled_at), count(*)
    from told_notices(numbers) t join shown_of(numbers) c on c.id = t.concerned_school_id
    join school s on s.id = c.school_id
    join notice_delivery d on d.notice_id = t.notice_id
     and (d.concerned_school_id = c.id
          or exists (select from membership w where w.account_id = d.account_id
                        and (w.school_id = s.id or w.district_id = s.district_id)))
    left join mail m on m.id = d.mail_id
   group by 1, 2, 3
$$;
comment on function plugin_notifications.told_ways is
  'What became of notices to schools, in numbers, for whoever is of a school that was told: nobody''s row.';

create function plugin_notifications.told_given(numbers bigint[])
  returns table (concerned_school_id bigint, rule text, at timestamptz)
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select g.concerned_school_id, g.rule, g.at from given_notice g join shown_of(numbers) c on c.id = g.concerned_school_id
$$;
comment on function plugin_notifications.told_given is
  'Which rules about a school were answered and when, for whoever is of it once it was told.';

do $$
declare
  f regprocedure;
begin
  for f in
    select p.oid::regprocedure from pg_proc p
     where p.pronamespace = 'plugin_notifications'::regnamespace
       and p.proname in ('show_once_told', 'shown_of', 'told_facts', 'told_notices', 'told_ways', 'told_given')
  loop
    execute format('revoke execute on function %s from public', f);
    if f::text ~ '(told_facts|told_notices|told_ways|told_given)' then
      execute format('grant execute on function %s to backoffice_app', f);
    end if;
  end loop;
end $$;

-- Time runs faster in a drill: its hour is a minute, and its three days are over in little more than one hour of ours.
create or replace function plugin_notifications.approve_alone(
  number bigint, seen integer, at timestamptz, why bytea, late bytea) returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
declare
  pace integer;
begin
  if why is null then return false; end if;
  select coalesce(max(d.faster), 1) into pace
    from notice n join drill d on d.incident_id = n.incident_id where n.id = number;
  update notice n set state = case n.audience when 'banner' then 'up' else 'approved' end,
                      approved_by = (ids('account'))[1], approved_at = at,
                      review_due_at = at + interval '3 days' / pace,
                      late_reason = coalesce(late, n.late_reason)
   where n.id = number and n.state = 'proposed' and n.version = seen and is_founder()
     and is_open(n.incident_id)
     and n.proposed_by = (ids('account'))[1] and n.proposed_at <= at - interval '1 hour' / pace;
  if not found then return false; end if;
  perform note_step(number, 'alone', at, why);
  return true;
end $$;

-- Whoever leads the place lets one come in that was looked at, and changes nothing else of it.
create policy app_bring_in on plugin_rosters.roster_import for update to backoffice_app
  using (state = 'looked'
         and (school_id = any ((select app.ids('led_schools'))::bigint[])
              or district_id = any ((select plugin_rosters.led_districts())::bigint[])))
  with check (state = 'waiting' and not look_first);
grant update (state, look_first) on plugin_rosters.roster_import to backoffice_app;

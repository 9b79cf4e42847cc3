-- Letters are shaped by a worker: it reads to whom they go, which else only a founder may.

alter table plugin_notifications.letter_batch alter column pdf set statistics 0;

-- As letters_left counts them, for whoever asks.
-- What was posted is printed again for thirty days: a letter may get lost. After that nobody reads whom it was.
create function plugin_notifications.letters_to(batch bigint, at timestamptz)
  returns table (delivery_id bigint, person bytea, language text, country text, school bytea,
                 school_address bytea, district bytea, district_address bytea)
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select d.id, a.name, coalesce(a.language, s.language), s.country, s.name, s.postal_address, i.name,
         i.postal_address
    from notice_delivery d join letter_batch b on b.id = d.letter_batch_id
    join notice n on n.id = b.notice_id
    join incident o on o.id = n.incident_id and o.closed_at is null
    join concerned_school c on c.id = d.care_of_id and c.left_out_at is null
    join school s on s.id = c.school_id left join district i on i.id = s.district_id
    left join account a on a.id = d.account_id
   where b.id = batch and n.state in ('approved', 'sent') and n.paused_at is null
     and (d.account_id is not null or d.concerned_school_id is not null)
     and (s.postal_address is not null or i.postal_address is not null)
     and (d.state in ('bounced', 'failed', 'to_post') or b.posted_at is not null)
     and (b.posted_at is null or b.posted_at > at - interval '30 days')
   order by c.id, d.id
$$;
comment on function plugin_notifications.letters_to is
  'To whom the letters of a batch go, sealed, for the worker that shapes them.';

create or replace function plugin_notifications.letters_in(batch bigint, at timestamptz)
  returns table (delivery_id bigint, person bytea, language text, country text, school bytea,
                 school_address bytea, district bytea, district_address bytea)
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select t.delivery_id, t.person, t.language, t.country, t.school, t.school_address, t.district, t.district_address
    from letters_to(batch, at) with ordinality t(delivery_id, person, language, country, school, school_address,
                                                 district, district_address, place)
   where is_founder() order by t.place
$$;

create function plugin_notifications.ask_for_print(batch bigint, at timestamptz, spoken text) returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
begin
  if not is_founder() then return false; end if;
  update letter_batch b set print_asked_at = at, print_language = spoken, pdf = null where b.id = batch;
  return found;
end $$;
comment on function plugin_notifications.ask_for_print is
  'Has a worker shape the letters of a batch, in the language of the founder who asks.';

revoke execute on function plugin_notifications.letters_to(bigint, timestamptz),
  plugin_notifications.ask_for_print(bigint, timestamptz, text) from public;
grant execute on function plugin_notifications.letters_to(bigint, timestamptz) to backoffice_system;
grant execute on function plugin_notifications.ask_for_print(bigint, timestamptz, text) to backoffice_app;

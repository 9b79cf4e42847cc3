-- Letters: founders have them made, print them and say that they were posted. To whom one goes is read with a
-- batch, by a function that only a founder may call; nobody reads it in a list.

alter table plugin_notifications.letter_batch enable row level security;
alter table plugin_notifications.letter_batch force row level security;
create policy owner on plugin_notifications.letter_batch to backoffice_owner using (true) with check (true);
create policy system on plugin_notifications.letter_batch to backoffice_system
  using ((select app.purpose()) <> '') with check ((select app.purpose()) <> '');
create policy app_read on plugin_notifications.letter_batch for select to backoffice_app
  using ((select app.is_founder()));
grant select, insert, update, delete on plugin_notifications.letter_batch to backoffice_system;
grant usage on sequence plugin_notifications.letter_batch_id_seq to backoffice_system;
grant select on plugin_notifications.letter_batch to backoffice_app;

-- A school that was mailed gets its own letter; a person's goes to the first concerned school that they work at
-- or follow a child of. Where the school has no postal address, that of its district counts.
create function plugin_notifications.letters_due(number bigint)
  returns table (delivery_id bigint, care_of_id bigint)
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select d.id, place.id
    from notice_delivery d join notice n on n.id = d.notice_id
    left join lateral (
      select c.id
        from concerned_school c join school s on s.id = c.school_id left join district i on i.id = s.district_id
       where c.incident_id = n.incident_id and c.left_out_at is null
         and (s.postal_address is not null or i.postal_address is not null)
         and (c.id = d.concerned_school_id
              or exists (select from membership m where m.account_id = d.account_id
                          and (m.school_id = s.id or m.district_id = s.district_id))
              or exists (select from teaching_role t where t.account_id = d.account_id and t.school_id = s.id)
              or exists (select from guardian_link g where g.account_id = d.account_id and g.school_id = s.id
                          and g.ended_at is null))
       order by c.id limit 1) place on true
   where d.notice_id = number and d.letter_batch_id is null and d.state in ('bounced', 'failed', 'to_post')
     and (d.account_id is not null or d.concerned_school_id is not null)
     and n.state in ('approved', 'sent') and n.paused_at is null and is_founder()
$$;
comment on function plugin_notifications.letters_due is
  'Of whom a notice did not reach by mail, and where a letter to them goes; for the functions below.';

create function plugin_notifications.letters_due_of(number bigint) returns table (due bigint, nowhere bigint)
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select count(care_of_id), count(*) - count(care_of_id) from letters_due(number)
$$;
comment on function plugin_notifications.letters_due_of is
  'How many letters of a notice are to be made, and how many have no address to go to, for a founder.';

create function plugin_notifications.make_letters(number bigint, known_as text, at timestamptz, most integer)
  returns bigint
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
declare
  batch bigint;
  made bigint;
begin
  -- Two founders who press at once make two batches of different letters.
  perform from notice n where n.id = number and is_founder() for update;
  if not found then return 0; end if;
  insert into letter_batch (public_id, notice_id, made_at, made_by)
  values (known_as, number, at, (ids('account'))[1]) returning id into batch;
  update notice_delivery d set letter_batch_id = batch, care_of_id = w.care_of_id
    from (select l.delivery_id, l.care_of_id from letters_due(number) l where l.care_of_id is not null
           order by l.care_of_id, l.delivery_id limit most) w
   where d.id = w.delivery_id;
  get diagnostics made = row_count;
  if made = 0 then delete from letter_batch b where b.id = batch; end if;
  return made;
end $$;
comment on function plugin_notifications.make_letters is
  'Puts letters of a notice that are due into a batch; how many.';

create function plugin_notifications.letters_in(batch bigint)
  returns table (person bytea, language text, country text, school bytea, school_address bytea,
                 district bytea, district_address bytea)
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select a.name, coalesce(a.language, s.language), s.country, s.name, s.postal_address, i.name, i.postal_address
    from notice_delivery d join concerned_school c on c.id = d.care_of_id
    join school s on s.id = c.school_id left join district i on i.id = s.district_id
    left join account a on a.id = d.account_id
   where d.letter_batch_id = batch and is_founder()
     -- Who was erased meanwhile gets none.
     and (a.id is not null or d.concerned_school_id is not null)
     and (s.postal_address is not null or i.postal_address is not null)
   order by c.id, d.id
$$;
comment on function plugin_notifications.letters_in is
  'To whom the letters of a batch go, sealed, for a founder who prints them.';

create function plugin_notifications.letters_of(number bigint) returns table (batch_id bigint, letters bigint)
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select d.letter_batch_id, count(*) from notice_delivery d
   where d.notice_id = number and d.letter_batch_id is not null and is_founder() group by 1
$$;
comment on function plugin_notifications.letters_of is
  'How many letters there are in each batch of a notice, for a founder.';

create function plugin_notifications.post_letters(batch bigint, at timestamptz) returns bigint
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
declare
  posted bigint;
  drill boolean;
begin
  update letter_batch b set posted_at = at, posted_by = (ids('account'))[1]
   where b.id = batch and b.posted_at is null and is_founder();
  if not found then return 0; end if;
  select i.is_drill into drill
    from letter_batch b join notice n on n.id = b.notice_id join incident i on i.id = n.incident_id
   where b.id = batch;
  update notice_delivery d set state = case when drill then 'played' else 'letter' end, settled_at = at
   where d.letter_batch_id = batch;
  get diagnostics posted = row_count;
  return posted;
end $$;
comment on function plugin_notifications.post_letters is 'Notes that a batch of letters was posted; how many.';

revoke execute on function plugin_notifications.letters_due(bigint),
  plugin_notifications.letters_due_of(bigint),
  plugin_notifications.make_letters(bigint, text, timestamptz, integer),
  plugin_notifications.letters_in(bigint), plugin_notifications.letters_of(bigint),
  plugin_notifications.post_letters(bigint, timestamptz) from public;
grant execute on function plugin_notifications.letters_due_of(bigint),
  plugin_notifications.make_letters(bigint, text, timestamptz, integer),
  plugin_notifications.letters_in(bigint), plugin_notifications.letters_of(bigint),
  plugin_notifications.post_letters(bigint, timestamptz) to backoffice_app;

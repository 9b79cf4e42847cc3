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

-- A letter goes by the tie for which somebody was written to: staff to where they work, parents to where the child
-- is, a school to itself; to the first concerned one that has an address, its own or its district's.
create function plugin_notifications.letters_due(number bigint)
  returns table (delivery_id bigint, care_of_id bigint, is_tied boolean)
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  with unreached as (
    select d.id, d.account_id, d.concerned_school_id, n.audience = 'parents' as as_parent
      from notice_delivery d join notice n on n.id = d.notice_id
     where d.notice_id = number and d.letter_batch_id is null and d.state in ('bounced', 'failed', 'to_post')
       and (d.account_id is not null or d.concerned_school_id is not null)
       and n.state in ('approved', 'sent') and n.paused_at is null and is_open(n.incident_id)),
  place as (
    select c.id, c.school_id, s.district_id,
           s.postal_address is not null or i.postal_address is not null as has_address
      from notice n join concerned_school c on c.incident_id = n.incident_id and c.left_out_at is null
      join school s on s.id = c.school_id left join district i on i.id = s.district_id
     where n.id = number),
  tie as (
    select u.id, p.id as place_id, p.has_address from unreached u join place p on p.id = u.concerned_school_id
    union all
    select u.id, p.id, p.has_address from unreached u join membership m on m.account_id = u.account_id
      join place p on p.school_id = m.school_id where not u.as_parent
    union all
    select u.id, p.id, p.has_address from unreached u join membership m on m.account_id = u.account_id
      join place p on p.district_id = m.district_id where not u.as_parent
    union all
    select u.id, p.id, p.has_address from unreached u join teaching_role t on t.account_id = u.account_id
      join place p on p.school_id = t.school_id where not u.as_parent
    union all
    select u.id, p.id, p.has_address from unreached u join guardian_link g on g.account_id = u.account_id
      join place p on p.school_id = g.school_id where u.as_parent and g.ended_at is null)
  select u.id, min(t.place_id) filter (where t.has_address), count(t.id) > 0
    from unreached u left join tie t on t.id = u.id group by u.id
$$;
comment on function plugin_notifications.letters_due is
  'Of whom a notice did not reach by mail, and where a letter to them goes; for the functions below.';

create function plugin_notifications.letters_due_of(number bigint)
  returns table (due bigint, nowhere bigint, gone bigint)
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select count(care_of_id), count(*) filter (where is_tied and care_of_id is null),
         count(*) filter (where not is_tied)
    from letters_due(number)
$$;
comment on function plugin_notifications.letters_due_of is
  'How many letters of a notice are to be made, how many have no address to go to, and how many people have left
   the schools meanwhile; for a founder.';

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

-- Who was erased meanwhile, whose mail went out after all, and a school that has no address any more get none.
create function plugin_notifications.letters_left(batch bigint) returns setof bigint
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select d.id
    from notice_delivery d join letter_batch b on b.id = d.letter_batch_id
    join notice n on n.id = b.notice_id
    join concerned_school c on c.id = d.care_of_id and c.left_out_at is null
    join school s on s.id = c.school_id left join district i on i.id = s.district_id
   where b.id = batch and is_open(n.incident_id) and n.state in ('approved', 'sent')
     and (d.account_id is not null or d.concerned_school_id is not null)
     and (s.postal_address is not null or i.postal_address is not null)
     and (d.state in ('bounced', 'failed', 'to_post') or b.posted_at is not null)
$$;
comment on function plugin_notifications.letters_left is
  'The letters of a batch that can still be posted, or were; for the functions below.';

-- What was posted is printed again for thirty days: a letter may get lost. After that nobody reads whom it was.
create function plugin_notifications.letters_in(batch bigint, at timestamptz)
  returns table (delivery_id bigint, person bytea, language text, country text, school bytea,
                 school_address bytea, district bytea, district_address bytea)
language sql stable security definer set search_path = plugin_notifications, app, pg_temp as $$
  select d.id, a.name, coalesce(a.language, s.language), s.country, s.name, s.postal_address, i.name,
         i.postal_address
    from letters_left(batch) l join notice_delivery d on d.id = l
    join letter_batch b on b.id = d.letter_batch_id join notice n on n.id = b.notice_id
    join concerned_school c on c.id = d.care_of_id
    join school s on s.id = c.school_id left join district i on i.id = s.district_id
    left join account a on a.id = d.account_id
   where n.paused_at is null and (b.posted_at is null or b.posted_at > at - interval '30 days') and is_founder()
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

create function plugin_notifications.release_letters(batch bigint, numbers bigint[]) returns bigint
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
declare
  released bigint;
begin
  perform from letter_batch b where b.id = batch and b.posted_at is null and is_founder() for update;
  if not found then return 0; end if;
  update notice_delivery d set letter_batch_id = null, care_of_id = null
   where d.letter_batch_id = batch and (numbers is null or d.id = any (numbers));
  get diagnostics released = row_count;
  delete from letter_batch b
   where b.id = batch and not exists (select from notice_delivery d where d.letter_batch_id = batch);
  return released;
end $$;
comment on function plugin_notifications.release_letters is
  'Takes letters out of a batch that was not posted, or all of them and the batch with them; how many.';

create function plugin_notifications.post_letters(batch bigint, at timestamptz) returns bigint
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
declare
  posted bigint;
  drill boolean;
begin
  select i.is_drill into drill
    from letter_batch b join notice n on n.id = b.notice_id join incident i on i.id = n.incident_id
   where b.id = batch and b.posted_at is null and is_founder() for update of b;
  if not found then return 0; end if;
  update notice_delivery d set state = case when drill then 'played' else 'letter' end, settled_at = at
   where d.id in (select letters_left(batch));
  get diagnostics posted = row_count;
  -- The others are due again, or are no longer.
  update notice_delivery d set letter_batch_id = null, care_of_id = null
   where d.letter_batch_id = batch and d.state not in ('letter', 'played');
  if posted = 0 then
    delete from letter_batch b where b.id = batch;
  else
    update letter_batch b set posted_at = at, posted_by = (ids('account'))[1] where b.id = batch;
  end if;
  return posted;
end $$;
comment on function plugin_notifications.post_letters is 'Notes that a batch of letters was posted; how many.';

-- What waits for somebody to post it can be paused and stopped, too.
create or replace function plugin_notifications.pause_notice(number bigint, at timestamptz, why bytea) returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
begin
  if why is null then return false; end if;
  update notice n set paused_at = at
   where n.id = number and n.paused_at is null and is_founder()
     and (n.state = 'approved'
          or n.state = 'sent'
             and (exists (select from mails_of(number))
                  or exists (select from notice_delivery d where d.notice_id = number and d.state = 'to_post')
                  or exists (select from letter_batch b where b.notice_id = number and b.posted_at is null)));
  if not found then return false; end if;
  perform note_step(number, 'paused', at, why);
  return true;
end $$;

create or replace function plugin_notifications.stop_notice(number bigint, at timestamptz, why bytea) returns boolean
language plpgsql security definer set search_path = plugin_notifications, app, pg_temp as $$
begin
  if why is null then return false; end if;
  update notice n set state = 'ended', ended_by = (ids('account'))[1], ended_at = at
   where n.id = number and n.state in ('approved', 'sent') and n.paused_at is not null and is_founder();
  if not found then return false; end if;
  update notice_delivery d set letter_batch_id = null, care_of_id = null
   where d.letter_batch_id in (select b.id from letter_batch b
                                where b.notice_id = number and b.posted_at is null);
  delete from letter_batch b where b.notice_id = number and b.posted_at is null;
  update notice_delivery d set state = 'called_off', settled_at = at
   where d.notice_id = number and d.state = 'to_post';
  perform note_step(number, 'stopped', at, why);
  return true;
end $$;

revoke execute on function plugin_notifications.letters_due(bigint),
  plugin_notifications.letters_due_of(bigint), plugin_notifications.letters_left(bigint),
  plugin_notifications.make_letters(bigint, text, timestamptz, integer),
  plugin_notifications.letters_in(bigint, timestamptz), plugin_notifications.letters_of(bigint),
  plugin_notifications.release_letters(bigint, bigint[]),
  plugin_notifications.post_letters(bigint, timestamptz) from public;
grant execute on function plugin_notifications.letters_due_of(bigint),
  plugin_notifications.make_letters(bigint, text, timestamptz, integer),
  plugin_notifications.letters_in(bigint, timestamptz), plugin_notifications.letters_of(bigint),
  plugin_notifications.release_letters(bigint, bigint[]),
  plugin_notifications.post_letters(bigint, timestamptz) to backoffice_app;

-- leaving: the version is being removed, by a run that will lower its counts. No event may confirm it any more, and no
-- repeated call may make it again.
alter table {{schema}}.ledger drop constraint ledger_state_check;
alter table {{schema}}.ledger add constraint ledger_state_check check (state in ('raised', 'leaving', 'confirmed'));
drop index {{schema}}.idx_ledger_raised;
create index idx_ledger_unsettled on {{schema}}.ledger (changed_at) where state <> 'confirmed';

-- A block that everybody has is pinned by everybody: a user's own pins of it are found without reading all of them.
drop index {{schema}}.idx_pins_block;
create index idx_pins_block on {{schema}}.pins (block_hash, user_id, expires_at);

-- References of blocks that have very many: each connection counts in a slot of its own, so that none waits for another.
-- Whoever lowers the count of a block adds its slots to ref_count first; so a block with slots has a ref_count above 0.
create table {{schema}}.hot_counts (
  block_hash bytea not null,
  slot integer not null,
  added integer not null check (added > 0),
  primary key (block_hash, slot)
);
create view {{schema}}.counts as
  select b.block_hash, b.ref_count + coalesce(sum(h.added), 0)::int as ref_count
  from {{schema}}.blocks b left join {{schema}}.hot_counts h using (block_hash) group by b.block_hash;

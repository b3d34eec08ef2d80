-- Deltas that made blocks of the user's, small ones, so that his other devices need not fetch the blocks whole. They are
-- his alone: to others who have such a block they would tell what it was made from. Nothing depends on them.
create table {{schema}}.deltas (
  user_id uuid not null,
  block_hash bytea not null,
  -- The SHA-256 of each block of the base, one after the other.
  base bytea not null,
  encoded bytea not null,
  created_at timestamptz not null default now(),
  primary key (user_id, block_hash)
);
-- It is compressed.
alter table {{schema}}.deltas alter column encoded set storage external;
create index idx_deltas_user on {{schema}}.deltas (user_id, created_at);
create index idx_deltas_cleanup on {{schema}}.deltas (created_at);

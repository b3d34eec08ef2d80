-- What is stored, for all users: one row per block, who holds it for an upload, and which versions were counted.
-- The shards may live on other clusters, so nothing here refers to them and no transaction spans both.

create table {{schema}}.blocks (
  block_hash bytea primary key check (octet_length(block_hash) = 32),
  -- pending: named by an upload, not yet seen in the store.  live: in the store.  condemned: unused, about to be
  -- deleted, may be revived.  deleting: its object is being deleted; the content has to be sent anew.
  state text not null check (state in ('pending', 'live', 'condemned', 'deleting')),
  -- Versions that hold the block, over all users. It may be too high for a while, never too low.
  ref_count integer not null default 0 check (ref_count >= 0),
  size_bytes integer not null check (size_bytes between 1 and 4194304),
  created_at timestamptz not null default now(),
  delete_after timestamptz,
  -- While deleting: the S3 object versions to delete. A later upload makes another one, which stays.
  object_versions text[],
  check (ref_count = 0 or (state = 'live' and delete_after is null)),
  check (ref_count > 0 or delete_after is not null)
);
create index idx_blocks_gc on {{schema}}.blocks (delete_after) where delete_after is not null;

-- One row per block of an upload session: the hold that keeps garbage collection away, and what the user proved.
create table {{schema}}.pins (
  user_id uuid not null,
  upload_id uuid not null,
  block_hash bytea not null,
  expires_at timestamptz not null,
  -- The user holds the block, proved possession of its content, or sent it.
  verified boolean not null,
  -- Written into the object by the signed PUT: tells this session's upload from anybody else's of the same content.
  put_token text not null,
  -- The open challenge of a proof of possession; used once.
  nonce bytea,
  proof_failed boolean not null default false,
  -- Bytes of the delta that carried the block, for the event.
  delta_bytes integer,
  primary key (user_id, upload_id, block_hash)
);
create index idx_pins_block on {{schema}}.pins (block_hash);
create index idx_pins_expiry on {{schema}}.pins (expires_at);

-- One row per version whose blocks are counted: makes every change of ref_count happen once per version.
create table {{schema}}.ledger (
  version_id uuid primary key,
  user_id uuid not null,
  -- raised: counted, but the version may not be visible (yet, or any more).  confirmed: the version was seen.
  state text not null check (state in ('raised', 'confirmed')),
  changed_at timestamptz not null default now(),
  -- The distinct blocks, kept only while raised: what to lower when the version does not exist.
  block_hashes bytea[] not null
);
create index idx_ledger_raised on {{schema}}.ledger (changed_at) where state = 'raised';

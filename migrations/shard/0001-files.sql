-- One of 64 equal schemas; all rows of a user are in the one that the hash of the user's id names.
-- Every change of a user's tree holds the lock on that user's row in accounts.

create table {{schema}}.accounts (
  user_id uuid primary key,
  -- Bytes of the live files, and bytes promised to open uploads.
  used_bytes bigint not null default 0 check (used_bytes >= 0),
  reserved_bytes bigint not null default 0 check (reserved_bytes >= 0),
  -- The user's own quota; where null, the profile's default, which every upload-init brings along.
  quota_bytes bigint,
  default_quota_bytes bigint,
  -- The number of the newest change, and of the newest that is no longer kept.
  change_seq bigint not null default 0,
  forgotten_seq bigint not null default 0
);

create table {{schema}}.devices (
  user_id uuid not null,
  device_id uuid not null,
  name text not null,
  created_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  revoked_at timestamptz,
  primary key (user_id, device_id)
);

-- The tree as it is. The paths compare byte by byte (collation C), so that a subtree is a range of the index.
create table {{schema}}.files (
  file_id uuid primary key,
  user_id uuid not null,
  path text collate "C" not null,
  parent text collate "C" not null
    generated always as (left(path, greatest(length(path) - strpos(reverse(path), '/'), 0) *
      (strpos(path, '/') > 0)::int)) stored,
  kind text not null check (kind in ('file', 'directory')),
  version integer not null check (version > 0),
  block_hashes bytea[] not null,
  block_sizes integer[] not null,
  size_bytes bigint not null,
  mtime_ms bigint not null,
  mode integer not null,
  last_modified timestamptz not null default now(),
  deleted_at timestamptz
);
create unique index idx_files_path on {{schema}}.files (user_id, path) where deleted_at is null;
create index idx_files_user on {{schema}}.files (user_id, parent) where deleted_at is null;
create index idx_files_deleted on {{schema}}.files (user_id, path, deleted_at) where deleted_at is not null;
create index idx_files_cleanup on {{schema}}.files (deleted_at) where deleted_at is not null;

-- Every version of every file, the current one too; the version of a delete holds no blocks.
create table {{schema}}.file_versions (
  version_id uuid primary key,
  file_id uuid not null references {{schema}}.files,
  user_id uuid not null,
  version integer not null,
  path text collate "C" not null,
  kind text not null,
  change_type text not null check (change_type in ('create', 'update', 'delete', 'move')),
  block_hashes bytea[] not null,
  block_sizes integer[] not null,
  size_bytes bigint not null,
  mtime_ms bigint not null,
  mode integer not null,
  origin_device uuid not null,
  created_at timestamptz not null default now(),
  -- When the next version came. A version is kept for 30 days from then, however old it was.
  superseded_at timestamptz
);
create unique index idx_versions_file on {{schema}}.file_versions (file_id, version);
-- Versions at one path count up even when different files follow each other there: a base version never lies.
create unique index idx_versions_path on {{schema}}.file_versions (user_id, path, version);
-- A predicate with now() is not legal in PostgreSQL, so the query holds the time.
create index idx_versions_cleanup on {{schema}}.file_versions (superseded_at) where superseded_at is not null;

create table {{schema}}.changes (
  user_id uuid not null,
  seq bigint not null,
  version_id uuid not null references {{schema}}.file_versions,
  moved_from text collate "C",
  created_at timestamptz not null default now(),
  primary key (user_id, seq)
);
create index idx_changes_version on {{schema}}.changes (version_id);
create index idx_changes_cleanup on {{schema}}.changes (created_at);

create table {{schema}}.uploads (
  user_id uuid not null,
  upload_id uuid not null,
  device_id uuid not null,
  -- SHA-256 of what was offered: the same id must bring the same files.
  offer_digest bytea not null,
  refused jsonb not null,
  expires_at timestamptz not null,
  primary key (user_id, upload_id)
);
create index idx_uploads_cleanup on {{schema}}.uploads (expires_at);

create table {{schema}}.upload_files (
  user_id uuid not null,
  upload_id uuid not null,
  position integer not null,
  path text collate "C" not null,
  kind text not null,
  base_version integer not null,
  block_hashes bytea[] not null,
  block_sizes integer[] not null,
  size_bytes bigint not null,
  mtime_ms bigint not null,
  mode integer not null,
  reserved_bytes bigint not null,
  -- The answer of finalize once it is settled, whichever way.
  result jsonb,
  primary key (user_id, upload_id, position),
  foreign key (user_id, upload_id) references {{schema}}.uploads on delete cascade
);

-- Answers of delete, move and restore, for retries.
create table {{schema}}.requests (
  user_id uuid not null,
  request_id uuid not null,
  results jsonb not null,
  created_at timestamptz not null default now(),
  primary key (user_id, request_id)
);
create index idx_requests_cleanup on {{schema}}.requests (created_at);

-- Events on their way to the stream, in the order of the user's changes.
create table {{schema}}.outbox (
  user_id uuid not null,
  seq bigint not null,
  event jsonb not null,
  created_at timestamptz not null default now(),
  primary key (user_id, seq)
);

-- How many of the user's versions hold a block. Summed over all users this is the block's ref_count.
create table {{schema}}.held_blocks (
  user_id uuid not null,
  block_hash bytea not null,
  versions integer not null check (versions > 0),
  primary key (user_id, block_hash)
);

-- Recursive hash of every directory, also of one without an entry of its own; null when it has to be computed anew.
create table {{schema}}.directories (
  user_id uuid not null,
  path text collate "C" not null,
  parent text collate "C",
  tree_hash bytea,
  primary key (user_id, path)
);
create index idx_directories_parent on {{schema}}.directories (user_id, parent);
create index idx_directories_stale on {{schema}}.directories (user_id, path) where tree_hash is null;

-- One row, whose lock makes one relay at a time publish this shard's events, in order.
create table {{schema}}.relay_turn (
  only_row boolean primary key default true check (only_row)
);
insert into {{schema}}.relay_turn default values;

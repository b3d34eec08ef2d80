-- What the service keeps for a user, beyond the live files that the quota counts: every block, version, directory and
-- upload, each as at least 4 KiB (limits.countedBytes). And how many entries the tree has.
alter table {{schema}}.accounts
  add column kept_bytes bigint not null default 0 check (kept_bytes >= 0),
  add column entries integer not null default 0 check (entries >= 0);

-- open: waits for finalize.  settled: every file has its answer.  closed: gave way to newer uploads.
alter table {{schema}}.uploads
  add column state text not null default 'open' check (state in ('open', 'settled', 'closed')),
  -- Distinct blocks that it pins.
  add column blocks integer not null default 0,
  -- Its share of the account's kept_bytes.
  add column kept_bytes bigint not null default 0;
create index idx_uploads_open on {{schema}}.uploads (user_id, expires_at) where state = 'open';

update {{schema}}.uploads u set state = 'settled' where not exists (
  select from {{schema}}.upload_files f where (f.user_id, f.upload_id) = (u.user_id, u.upload_id) and f.result is null);
update {{schema}}.accounts a set
  entries = (select count(*) from {{schema}}.files f where f.user_id = a.user_id and f.deleted_at is null),
  kept_bytes =
    (select coalesce(sum(greatest(size, 4096)), 0) from (
       select distinct hash, size from {{schema}}.file_versions v, unnest(v.block_hashes, v.block_sizes) b(hash, size)
       where v.user_id = a.user_id) held)
    + 4096 * (select count(*) from {{schema}}.file_versions v where v.user_id = a.user_id)
    + 4096 * (select count(*) from {{schema}}.directories d where d.user_id = a.user_id);

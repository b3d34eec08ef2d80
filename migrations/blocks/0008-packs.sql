-- Content that is small, and too large for a row, lies with others in a pack, which is a block as well. The row says
-- where; a pack is kept while rows do.
alter table {{schema}}.contents
  alter column encoded drop not null,
  add column pack_hash bytea,
  add column pack_at integer,
  add column pack_bytes integer,
  add constraint contents_place_check check (
    num_nonnulls(encoded, pack_hash) = 1 and num_nonnulls(pack_hash, pack_at, pack_bytes) in (0, 3)) not valid;
create index idx_contents_pack on {{schema}}.contents (pack_hash) where pack_hash is not null;

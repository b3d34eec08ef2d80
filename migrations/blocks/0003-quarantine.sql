-- A fifth state, quarantined: the object is missing or damaged, and whoever has the content is asked to send it again.
-- Versions refer to such a block as before. Not valid: what was allowed before still is, so no row needs a look.
alter table {{schema}}.blocks
  drop constraint blocks_state_check,
  drop constraint blocks_check,
  add constraint blocks_state_check
    check (state in ('pending', 'live', 'condemned', 'deleting', 'quarantined')) not valid,
  add constraint blocks_check
    check (ref_count = 0 or (state in ('live', 'quarantined') and delete_after is null)) not valid,
  -- While quarantined: the object version that is damaged; null when there was none. Any other version is a new upload.
  add column damaged_version text;
create index idx_blocks_quarantined on {{schema}}.blocks (block_hash) where state = 'quarantined';

-- The audit adds up, block by block, how many versions hold it.
create index idx_held_block on {{schema}}.held_blocks (block_hash);

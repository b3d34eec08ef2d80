-- Content that is small when encoded: a delta with no base. A row for each user who sent it, since one for all would tell,
-- by the form of an answer, that somebody else has it. Rows go with their block.
create table {{schema}}.contents (
  block_hash bytea not null,
  user_id uuid not null,
  encoded bytea not null,
  primary key (block_hash, user_id)
);
-- It is compressed.
alter table {{schema}}.contents alter column encoded set storage external;

-- What each user has in there, in bytes.
create table {{schema}}.content_bytes (
  user_id uuid primary key,
  bytes bigint not null default 0 check (bytes >= 0)
);

-- none: the store has no object of the block, nor may one come.  expected: there may be some, and nobody reads them.
-- there: while the block is live or condemned, its object has the content. A stored block without one has rows.
-- Not valid: all rows have the default.
alter table {{schema}}.blocks
  add column objects text not null default 'there',
  add constraint blocks_objects_check check (objects in ('none', 'expected', 'there')) not valid;

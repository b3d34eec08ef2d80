-- Blocks whose content was bad or lost at least once. Caches may keep bad content for a year under every name that was
-- signed meanwhile, so each time the content becomes good, the block gets another name there. Rows stay when the block
-- goes: the caches forget no earlier.
create table {{schema}}.renewed (
  block_hash bytea primary key,
  entry uuid not null default gen_random_uuid()
);

-- How many blocks a user has asked about, without holding or proving them, since a day began.
create table {{schema}}.claims (
  user_id uuid primary key,
  since timestamptz not null default now(),
  claimed integer not null default 0
);

-- After a wrong proof, and where no challenge was offered at first, the session has to send the content.
alter table {{schema}}.pins rename column proof_failed to must_send;
-- How often finalize has looked for the object in vain since the session was renewed.
alter table {{schema}}.pins add column looks smallint not null default 0;

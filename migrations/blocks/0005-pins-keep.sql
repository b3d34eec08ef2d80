-- Until when a pin keeps collection away from its block. A session whose user has not shown that he has the content goes
-- on after that, and is asked for the content where the block has gone.
alter table {{schema}}.pins add column keeps_until timestamptz;
update {{schema}}.pins set keeps_until = expires_at;
alter table {{schema}}.pins alter column keeps_until set not null;

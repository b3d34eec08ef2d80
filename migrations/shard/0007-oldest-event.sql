-- The event that has waited longest, which each commit looks for.
create index idx_outbox_created_at on {{schema}}.outbox (created_at);

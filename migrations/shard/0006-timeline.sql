-- Another one after each time that the database was set back to a backup: devices notice by it.
alter table {{schema}}.accounts add column timeline uuid not null default gen_random_uuid();

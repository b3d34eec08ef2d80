-- A page of a directory is a range of one index, however large the directory.
drop index {{schema}}.idx_files_user;
create index idx_files_user on {{schema}}.files (user_id, parent, path) where deleted_at is null;
drop index {{schema}}.idx_directories_parent;
create index idx_directories_parent on {{schema}}.directories (user_id, parent, path);

-- SHA-256 of the call that a request id stands for: the same id must bring the same call.
-- Answers from before are forgotten, since their calls are not known.
delete from {{schema}}.requests;
alter table {{schema}}.requests add column request_digest bytea not null;

-- The version of a delete is over as soon as it is made, so that one condition tells what has expired.
update {{schema}}.file_versions set superseded_at = created_at where change_type = 'delete' and superseded_at is null;
drop index {{schema}}.idx_files_cleanup;

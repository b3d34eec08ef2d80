-- A symbolic link is a kind of its own. What is there has been checked.
alter table {{schema}}.files drop constraint files_kind_check;
alter table {{schema}}.files
  add constraint files_kind_check check (kind in ('file', 'directory', 'link')) not valid;

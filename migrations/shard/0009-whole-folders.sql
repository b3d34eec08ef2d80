-- Of the rename of a whole folder: how many changes it is, this one and those that follow.
alter table {{schema}}.changes add column entries integer;

-- Contents are 2 to 8 KB: beside the row each is two chunks and an index more to write and to read. 8,160 bytes is the most
-- that PostgreSQL takes for a row of a page.
alter table {{schema}}.contents set (toast_tuple_target = 8160);

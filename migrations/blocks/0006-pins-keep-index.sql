-- Collection asks which blocks are kept.
create index idx_pins_keeps on {{schema}}.pins (keeps_until);

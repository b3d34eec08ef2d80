-- The sign-ins that registered as a device: origin_jti, which all tokens of one sign-in carry. A call as this device
-- needs a token of one of them.
create table {{schema}}.sign_ins (
  user_id uuid not null,
  sign_in text not null,
  device_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (user_id, sign_in, device_id),
  foreign key (user_id, device_id) references {{schema}}.devices on delete cascade
);
create index idx_sign_ins_device on {{schema}}.sign_ins (user_id, device_id);

-- Sign-ins that ended with a device. Their tokens are refused for as long as there can be any.
create table {{schema}}.ended_sign_ins (
  user_id uuid not null,
  sign_in text not null,
  ended_at timestamptz not null default now(),
  primary key (user_id, sign_in)
);

-- The device from which it was revoked; null when that sign-in had none.
alter table {{schema}}.devices add column revoked_by uuid;

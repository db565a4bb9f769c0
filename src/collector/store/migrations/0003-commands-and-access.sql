-- What was asked of meters, by whom, and who may ask.

CREATE TABLE commands (
  tenant_id text NOT NULL,
  edge_id text NOT NULL,
  command_id text NOT NULL,
  epoch text NOT NULL,
  meter_id text NOT NULL,
  body jsonb NOT NULL,
  author text NOT NULL,
  created_at_ms bigint NOT NULL,
  expires_at_ms bigint NOT NULL,
  state text NOT NULL,
  sentence text NOT NULL,
  idempotency_key text,
  command bytea NOT NULL,                -- as signed
  signature bytea NOT NULL,
  PRIMARY KEY (edge_id, command_id),
  UNIQUE (edge_id, tenant_id, idempotency_key)
);
CREATE INDEX commands_by_id ON commands (command_id);
CREATE INDEX commands_by_meter ON commands (meter_id, created_at_ms);
CREATE INDEX commands_by_time ON commands (created_at_ms, command_id);

CREATE TABLE command_reports (
  tenant_id text NOT NULL,
  edge_id text NOT NULL,
  command_id text NOT NULL,
  state text NOT NULL,
  code text NOT NULL,
  sentence text NOT NULL,
  at_ms bigint NOT NULL,
  known_at_ms bigint NOT NULL,
  result jsonb NOT NULL,
  PRIMARY KEY (edge_id, command_id, state)
);

CREATE TABLE audit (
  tenant_id text NOT NULL,
  audit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at_ms bigint NOT NULL,
  actor text NOT NULL,
  action text NOT NULL,
  subject text NOT NULL,
  detail text NOT NULL
);

CREATE TABLE setup_codes (
  tenant_id text NOT NULL,
  hash bytea PRIMARY KEY,
  expires_at_ms bigint NOT NULL
);

CREATE TABLE tokens (
  tenant_id text NOT NULL,
  token_id text PRIMARY KEY,
  hash bytea NOT NULL,
  name text NOT NULL,
  role text NOT NULL CHECK (role IN ('admin', 'operator', 'viewer')),
  created_at_ms bigint NOT NULL,
  expires_at_ms bigint,
  revoked boolean NOT NULL
);
CREATE INDEX tokens_by_hash ON tokens (hash);

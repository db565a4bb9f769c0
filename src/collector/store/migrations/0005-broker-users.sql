-- Users of the embedded broker: salted hashes of random passwords.
CREATE TABLE broker_users (
  tenant_id text NOT NULL,
  edge_id text PRIMARY KEY,
  salt bytea NOT NULL,
  hash bytea NOT NULL,
  state text NOT NULL CHECK (state IN ('active', 'pending', 'blocked'))
);

-- Who this database is, which concentrators it knows, and their journals.
-- Keys start with the edge id, so that a distributed database can spread every table by it.

CREATE TABLE store_identity (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  store_id bytea NOT NULL CHECK (length(store_id) = 8),
  restore_counter integer NOT NULL DEFAULT 0,
  system_identifier text NOT NULL,       -- of the PostgreSQL cluster: another one = we were restored there
  timeline integer NOT NULL,             -- grows with each point-in-time restore and each failover
  partition_width text NOT NULL CHECK (partition_width IN ('day', 'week', 'month', 'year'))
);

CREATE TABLE tenants (
  tenant_id text PRIMARY KEY,
  name text NOT NULL
);

CREATE TABLE edges (
  tenant_id text NOT NULL,
  edge_id text PRIMARY KEY,
  state text NOT NULL CHECK (state IN ('active', 'inbox', 'deactivated')),
  key bytea,                             -- symmetric key of the authenticators; null in the inbox
  epoch text,
  software text,
  last_hello_ms bigint,
  last_status_ms bigint,
  status jsonb,                          -- what it last said of its health
  note text
);

-- Which collector stores for a shard of edges. A token that is not the newest stores nothing.
CREATE TABLE leases (
  tenant_id text NOT NULL,
  shard smallint PRIMARY KEY,
  holder text NOT NULL,
  token bigint NOT NULL,
  expires_at timestamptz NOT NULL
);

-- One row per lane of a journal: the cursor is the deduplication.
CREATE TABLE lane_cursors (
  tenant_id text NOT NULL,
  edge_id text NOT NULL,
  epoch text NOT NULL,
  lane smallint NOT NULL,
  up_to bigint NOT NULL,
  head_hash bytea NOT NULL,
  keyframe bigint NOT NULL,
  moved_at_ms bigint NOT NULL,
  -- What the edge last said that it holds, for "buffered at the edge".
  reported_last bigint NOT NULL DEFAULT 0,
  reported_at_ms bigint,
  PRIMARY KEY (edge_id, epoch, lane)
);

-- How far a lane is in the day blocks. Apart from the cursors, so that a long fold never holds up an append.
CREATE TABLE fold_cursors (
  tenant_id text NOT NULL,
  edge_id text NOT NULL,
  epoch text NOT NULL,
  lane smallint NOT NULL,
  folded_to bigint NOT NULL,
  lane_state bytea,                      -- coder state after block folded_to; null = nothing decoded yet
  PRIMARY KEY (edge_id, epoch, lane)
);

-- Blocks as they came, from the last keyframe before the fold cursor on. Not partitioned: folded groups are deleted, and
-- a quiet lane must keep its last group however old that is.
CREATE TABLE journal (
  tenant_id text NOT NULL,
  edge_id text NOT NULL,
  epoch text NOT NULL,
  lane smallint NOT NULL,
  sequence bigint NOT NULL,
  keyframe bigint NOT NULL,
  hash bytea NOT NULL,
  from_ms bigint NOT NULL,
  to_ms bigint NOT NULL,
  known_at_ms bigint NOT NULL,
  quarantine text,                       -- code of the reason why the block is not decoded
  octets bytea NOT NULL,
  PRIMARY KEY (edge_id, epoch, lane, sequence)
);
ALTER TABLE journal ALTER COLUMN octets SET STORAGE EXTERNAL; -- packed already: compressing again costs time only

-- Sequences that no block will ever fill.
CREATE TABLE lane_gaps (
  tenant_id text NOT NULL,
  edge_id text NOT NULL,
  epoch text NOT NULL,
  lane smallint NOT NULL,
  from_sequence bigint NOT NULL,
  to_sequence bigint NOT NULL,
  cause text NOT NULL,
  known_at_ms bigint NOT NULL,
  PRIMARY KEY (edge_id, epoch, lane, from_sequence)
);

CREATE TABLE dictionaries (
  tenant_id text NOT NULL,
  edge_id text NOT NULL,
  hash text NOT NULL,
  octets bytea NOT NULL,
  PRIMARY KEY (edge_id, hash)
);

-- Meters that an edge speaks of: names those that nobody placed there.
CREATE TABLE dictionary_meters (
  tenant_id text NOT NULL,
  edge_id text NOT NULL,
  meter_id text NOT NULL,
  PRIMARY KEY (edge_id, meter_id)
);

CREATE TABLE edge_logs (
  tenant_id text NOT NULL,
  edge_id text NOT NULL,
  epoch text NOT NULL,
  lane smallint NOT NULL,
  sequence bigint NOT NULL,
  index integer NOT NULL,
  level text NOT NULL,
  event text NOT NULL,
  at_ms bigint NOT NULL,
  fields_json text NOT NULL,
  PRIMARY KEY (edge_id, epoch, lane, sequence, index)
);

-- Meters, where they are placed, and what they measured. Keys start with the meter id.

CREATE TABLE meters (
  tenant_id text NOT NULL,
  meter_id text PRIMARY KEY,
  profile text,
  name text,
  time_zone text
);

CREATE TABLE placements (
  tenant_id text NOT NULL,
  meter_id text NOT NULL,
  edge_id text NOT NULL,
  from_ms bigint NOT NULL,
  to_ms bigint,                          -- null = until further notice
  PRIMARY KEY (meter_id, from_ms)
);
CREATE INDEX placements_by_edge ON placements (edge_id, meter_id);

CREATE TABLE channels (
  tenant_id text NOT NULL,
  meter_id text NOT NULL,
  obis text NOT NULL,
  interval_s integer NOT NULL,
  unit text NOT NULL,
  exponent smallint NOT NULL,
  first_at_ms bigint NOT NULL,
  last_at_ms bigint NOT NULL,
  last_read_at_ms bigint NOT NULL,
  PRIMARY KEY (meter_id, obis, interval_s)
);

-- One row per meter and UTC day, all channels inside: docs/formats/store.md.
CREATE TABLE day_blocks (
  tenant_id text NOT NULL,
  meter_id text NOT NULL,
  day integer NOT NULL,                  -- floor((interval end in ms - 1) / 86400000)
  body bytea NOT NULL,
  PRIMARY KEY (meter_id, day)
) PARTITION BY RANGE (day);
ALTER TABLE day_blocks ALTER COLUMN body SET STORAGE EXTERNAL;
-- Days of doubtful clocks, far in the past or in the future.
CREATE TABLE day_blocks_other PARTITION OF day_blocks DEFAULT;

-- The same for meters that are not placed on the edge that sent them; moved to day_blocks when they are.
CREATE TABLE quarantine_blocks (
  tenant_id text NOT NULL,
  edge_id text NOT NULL,
  meter_id text NOT NULL,
  day integer NOT NULL,
  rows integer NOT NULL,
  since_ms bigint NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (edge_id, meter_id, day)
);
CREATE INDEX quarantine_by_meter ON quarantine_blocks (meter_id, edge_id);

CREATE TABLE events (
  tenant_id text NOT NULL,
  subject text NOT NULL,                 -- the meter id, or '@' and the edge id for the concentrator itself
  edge_id text NOT NULL,
  log text NOT NULL,
  at_ms bigint NOT NULL,
  code integer NOT NULL,
  name text NOT NULL,
  sentence text NOT NULL,
  severity smallint NOT NULL,            -- 0 info, 1 warning, 2 alarm
  known_at_ms bigint NOT NULL,
  PRIMARY KEY (subject, edge_id, log, at_ms, code)
);
CREATE INDEX events_by_time ON events (at_ms);

CREATE TABLE attributes (
  tenant_id text NOT NULL,
  meter_id text NOT NULL,
  edge_id text NOT NULL,
  obis text NOT NULL,
  name text NOT NULL,
  text text NOT NULL,
  read_at_ms bigint NOT NULL,
  PRIMARY KEY (meter_id, edge_id, obis, name)
);

CREATE TABLE meter_states (
  tenant_id text NOT NULL,
  meter_id text NOT NULL,
  edge_id text NOT NULL,
  state text NOT NULL,
  sentence text NOT NULL,
  since_ms bigint NOT NULL,
  PRIMARY KEY (meter_id, edge_id)
);

-- Intervals that a meter no longer had when it was asked.
CREATE TABLE meter_gaps (
  tenant_id text NOT NULL,
  meter_id text NOT NULL,
  edge_id text NOT NULL,
  obis text NOT NULL,
  interval_s integer NOT NULL,
  from_ms bigint NOT NULL,
  to_ms bigint NOT NULL,
  cause text NOT NULL,
  known_at_ms bigint NOT NULL,
  PRIMARY KEY (meter_id, edge_id, obis, interval_s, from_ms, to_ms)
);

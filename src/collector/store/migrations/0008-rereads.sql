-- Intervals that never arrived, or arrived in blocks that cannot be read: concentrators are told to read them again.
CREATE TABLE rereads (
  tenant_id text NOT NULL,
  edge_id text NOT NULL,
  epoch text NOT NULL,
  lane smallint NOT NULL,
  sequence bigint NOT NULL,              -- first block that is missing or unreadable
  meter_id text NOT NULL,                -- empty: any meter of the concentrator
  interval_s integer NOT NULL,
  column_obis text NOT NULL,             -- first of the columns, empty with the meter
  reread_id text NOT NULL,               -- what the concentrator is told: another one after a restore
  obis text[] NOT NULL,
  from_ms bigint NOT NULL,
  to_ms bigint NOT NULL,
  reason text NOT NULL,
  state text NOT NULL,
  rows bigint NOT NULL DEFAULT 0,
  created_at_ms bigint NOT NULL,
  due_at_ms bigint,                      -- when it is looked at, or said again; null = it has ended
  ordered_at_ms bigint,
  ended_at_ms bigint,
  PRIMARY KEY (edge_id, epoch, lane, sequence, meter_id, interval_s, column_obis)
);
CREATE INDEX rereads_due ON rereads (due_at_ms) WHERE due_at_ms IS NOT NULL;
CREATE INDEX rereads_id ON rereads (edge_id, reread_id);
CREATE INDEX rereads_meter ON rereads (meter_id, created_at_ms);

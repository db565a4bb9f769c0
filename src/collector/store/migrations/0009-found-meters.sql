-- What was found on the lines of concentrators, as it was found last.
CREATE TABLE found_meters (
  tenant_id text NOT NULL,
  edge_id text NOT NULL,
  finding_id text NOT NULL,              -- 16 hex digits of edge, line and address
  line text NOT NULL,
  address integer NOT NULL,
  found jsonb NOT NULL,                  -- what answered, as it was reported
  found_at_ms bigint NOT NULL,
  state text NOT NULL CHECK (state IN ('waiting', 'commissioned', 'refused', 'empty')),
  meter_id text,                         -- the meter that it is, once that is known
  sentence text NOT NULL,
  PRIMARY KEY (edge_id, finding_id)
);
CREATE INDEX found_meters_by_id ON found_meters (finding_id);

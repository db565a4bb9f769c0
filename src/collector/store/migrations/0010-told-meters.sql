-- Meters that join a network over the power line have no address on a line; concentrators tell of them.
ALTER TABLE found_meters ALTER COLUMN address DROP NOT NULL;
CREATE INDEX found_meters_by_node ON found_meters ((found->'node'->>'eui48'));
CREATE TABLE told_meters (
  tenant_id text NOT NULL,
  edge_id text NOT NULL,
  line text NOT NULL,
  eui48 text NOT NULL,                   -- of its modem
  found jsonb NOT NULL,                  -- what was told last, and not decided about yet
  PRIMARY KEY (edge_id, line, eui48)
);

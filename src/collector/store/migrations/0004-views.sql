-- For people and tools that read with SQL: these names and columns stay. No secret is in a view.

CREATE VIEW dw_edges AS
SELECT e.tenant_id, e.edge_id, e.state, e.epoch, e.software, to_timestamp(e.last_hello_ms / 1000.0) AS last_hello,
       to_timestamp((SELECT max(c.moved_at_ms) FROM lane_cursors c WHERE c.edge_id = e.edge_id) / 1000.0) AS last_block, e.note
FROM edges e;

CREATE VIEW dw_meters AS
SELECT m.tenant_id, m.meter_id, m.profile, m.name, m.time_zone, p.edge_id, to_timestamp(p.from_ms / 1000.0) AS placed_from,
       to_timestamp(p.to_ms / 1000.0) AS placed_to, s.state, s.sentence AS state_sentence,
       to_timestamp(s.since_ms / 1000.0) AS state_since,
       to_timestamp((SELECT max(c.last_at_ms) FROM channels c WHERE c.meter_id = m.meter_id) / 1000.0) AS last_reading
FROM meters m
LEFT JOIN LATERAL (SELECT * FROM placements q WHERE q.meter_id = m.meter_id ORDER BY q.from_ms DESC LIMIT 1) p ON true
LEFT JOIN meter_states s ON s.meter_id = m.meter_id AND s.edge_id = p.edge_id;

CREATE VIEW dw_channels AS
SELECT tenant_id, meter_id, obis, interval_s, unit, exponent, to_timestamp(first_at_ms / 1000.0) AS first_at,
       to_timestamp(last_at_ms / 1000.0) AS last_at
FROM channels;

CREATE VIEW dw_events AS
SELECT tenant_id, CASE WHEN subject LIKE '@%' THEN NULL ELSE subject END AS meter_id, edge_id, log,
       to_timestamp(at_ms / 1000.0) AS at, code, name, sentence,
       CASE severity WHEN 0 THEN 'info' WHEN 1 THEN 'warning' ELSE 'alarm' END AS severity,
       to_timestamp(known_at_ms / 1000.0) AS known_at
FROM events;

CREATE VIEW dw_commands AS
SELECT tenant_id, command_id, edge_id, meter_id, body, author, to_timestamp(created_at_ms / 1000.0) AS created_at,
       to_timestamp(expires_at_ms / 1000.0) AS expires_at, state, sentence
FROM commands;

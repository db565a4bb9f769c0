DROP TABLE edge_logs, dictionaries, lane_gaps, journal, lane_cursors, edges, tenants, store_identity;

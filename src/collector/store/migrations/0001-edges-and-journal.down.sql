DROP TABLE edge_logs, dictionaries, lane_gaps, journal, fold_cursors, lane_cursors, edges, tenants, store_identity;

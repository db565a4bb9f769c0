DROP TABLE edge_logs, dictionary_meters, dictionaries, lane_gaps, journal, fold_cursors, lane_cursors, leases, edges, tenants, store_identity;

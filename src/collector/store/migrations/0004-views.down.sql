DROP VIEW dw_commands, dw_events, dw_channels, dw_meters, dw_edges;

DROP TABLE meter_gaps, meter_states, attributes, events, quarantine_blocks, day_blocks, channels, placements, meters;

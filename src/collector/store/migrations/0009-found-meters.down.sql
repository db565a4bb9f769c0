DROP TABLE found_meters;

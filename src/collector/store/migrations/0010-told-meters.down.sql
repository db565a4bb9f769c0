DROP TABLE told_meters;
DROP INDEX found_meters_by_node;
DELETE FROM found_meters WHERE address IS NULL;
ALTER TABLE found_meters ALTER COLUMN address SET NOT NULL;

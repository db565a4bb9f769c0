-- What a list of meters says of each beside what people say: who it is, and where it hangs.
ALTER TABLE meters ADD COLUMN serial text, ADD COLUMN title text, ADD COLUMN line text, ADD COLUMN address integer;
-- Not unique: a unique key would have to hold the meter id. Imports look for doubles under a lock.
CREATE INDEX meters_by_serial ON meters (serial) WHERE serial IS NOT NULL;
CREATE INDEX meters_by_title ON meters (title) WHERE title IS NOT NULL;

-- Images of firmware. Parts of them are cut out of the octets, so these are not compressed.
CREATE TABLE images (
  tenant_id text NOT NULL,
  sha256 text PRIMARY KEY,
  size integer NOT NULL,
  name text NOT NULL,
  identifier text NOT NULL,
  uploaded_by text NOT NULL,
  uploaded_at_ms bigint NOT NULL,
  octets bytea NOT NULL
);
ALTER TABLE images ALTER COLUMN octets SET STORAGE EXTERNAL;

/** Images of firmware in the database: whole in one row, read part by part. */
import { END_STATES } from '../../model/command.ts';
import type { TenantId } from '../../model/ids.ts';
import type { ImageRecord, ImageStore } from '../ports.ts';
import type { StoreContext } from './context.ts';

interface ImageRow {
  readonly tenant_id: TenantId;
  readonly sha256: string;
  readonly size: number;
  readonly name: string;
  readonly identifier: string;
  readonly uploaded_by: string;
  readonly uploaded_at_ms: number;
}

const COLUMNS = 'tenant_id, sha256, size, name, identifier, uploaded_by, uploaded_at_ms';

/** The images' part of the store. */
export function imageStore({ database }: StoreContext): ImageStore {
  return {
    async saveImage(image, octets) {
      const added = await database.change(
        `INSERT INTO images (${COLUMNS}, octets) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
        [
          image.tenantId,
          image.sha256,
          image.sizeOctets,
          image.name,
          image.identifier,
          image.uploadedBy,
          image.uploadedAtMs,
          octets,
        ],
      );
      return added > 0;
    },
    async image(sha256) {
      const [row] = await database.rows<ImageRow>(`SELECT ${COLUMNS} FROM images WHERE sha256 = $1`, [sha256]);
      return row === undefined ? undefined : imageOf(row);
    },
    async images() {
      const rows = await database.rows<ImageRow>(`SELECT ${COLUMNS} FROM images ORDER BY uploaded_at_ms, sha256`, []);
      return rows.map(imageOf);
    },
    async removeImage(sha256) {
      return (await database.change('DELETE FROM images WHERE sha256 = $1', [sha256])) > 0;
    },
    async imagePart(edgeId, sha256, offset, length) {
      const [row] = await database.rows<{ readonly part: Uint8Array }>(
        `SELECT substring(octets FROM $3::integer + 1 FOR $4::integer) AS part FROM images
         WHERE sha256 = $2 AND EXISTS (
           SELECT 1 FROM commands c WHERE c.edge_id = $1 AND NOT c.state = ANY($5) AND c.body->>'sha256' = $2)`,
        [edgeId, sha256, offset, length, [...END_STATES]],
      );
      return row?.part;
    },
  };
}

function imageOf(row: ImageRow): ImageRecord {
  return {
    tenantId: row.tenant_id,
    sha256: row.sha256,
    sizeOctets: row.size,
    name: row.name,
    identifier: row.identifier,
    uploadedBy: row.uploaded_by,
    uploadedAtMs: row.uploaded_at_ms,
  };
}

/**
 * Who may call what: one table, one line a route. A route without a line stops the program at start, and a test walks
 * every line with every role.
 */
import type { TokenRecord } from '../ports.ts';

/** `loopback`: open while the API listens on loopback only, for viewers otherwise. */
export type Access = 'public' | 'loopback' | TokenRecord['role'];

/** Method and route, as Fastify writes it. */
export const ACCESS: Readonly<Record<string, Access>> = {
  'GET /health': 'public',
  'GET /metrics': 'loopback',
  'GET /api/v1/openapi.json': 'public',
  'GET /api/v1/problems': 'public',
  'GET /api/v1/problems/:code': 'public',
  'GET /api/v1/setup': 'public',
  'POST /api/v1/setup': 'public',
  'GET /api/v1/me': 'viewer',
  'GET /api/v1/exceptions': 'viewer',
  'GET /api/v1/edges': 'viewer',
  'GET /api/v1/edges/:edgeId': 'viewer',
  'POST /api/v1/edges/:edgeId/adopt': 'admin',
  'POST /api/v1/edges/:edgeId/deactivate': 'admin',
  'POST /api/v1/edges/:edgeId/findings': 'operator',
  'GET /api/v1/edges/:edgeId/acceptance': 'viewer',
  'GET /api/v1/findings': 'viewer',
  'POST /api/v1/findings/:findingId/accept': 'operator',
  'POST /api/v1/findings/:findingId/refuse': 'operator',
  'GET /api/v1/meters': 'viewer',
  'POST /api/v1/meters/import': 'operator',
  'GET /api/v1/meters/:meterId': 'viewer',
  'PUT /api/v1/meters/:meterId': 'operator',
  'POST /api/v1/meters/:meterId/placements': 'operator',
  'POST /api/v1/meters/:meterId/placements/end': 'operator',
  'GET /api/v1/meters/:meterId/channels': 'viewer',
  'GET /api/v1/meters/:meterId/readings': 'viewer',
  'GET /api/v1/meters/:meterId/latest': 'viewer',
  'GET /api/v1/meters/:meterId/way': 'viewer',
  'GET /api/v1/meters/:meterId/attributes': 'viewer',
  'GET /api/v1/meters/:meterId/gaps': 'viewer',
  'GET /api/v1/events': 'viewer',
  'GET /api/v1/quarantine': 'viewer',
  'GET /api/v1/rereads': 'viewer',
  'GET /api/v1/commands': 'viewer',
  'GET /api/v1/commands/:commandId': 'viewer',
  'POST /api/v1/commands': 'operator',
  'GET /api/v1/key-rotations': 'viewer',
  'POST /api/v1/firmware-orders': 'operator',
  'GET /api/v1/images': 'viewer',
  'PUT /api/v1/images/:sha256': 'admin',
  'DELETE /api/v1/images/:sha256': 'admin',
  'GET /api/v1/stream': 'viewer',
  'GET /api/v1/tokens': 'admin',
  'POST /api/v1/tokens': 'admin',
  'DELETE /api/v1/tokens/:tokenId': 'admin',
  'GET /*': 'public',
};

const RANK: Readonly<Record<TokenRecord['role'], number>> = { viewer: 0, operator: 1, admin: 2 };

/** Whether a role is enough. */
export function permits(access: Access, role: TokenRecord['role']): boolean {
  if (access === 'public') return true;
  return RANK[role] >= (access === 'loopback' ? RANK.viewer : RANK[access]);
}

/** One image for several meters: a command for each of them, made together so that their line can bring it to all at once. */
import type { FastifyInstance } from 'fastify';
import { toHex } from '../../../base/bytes.ts';
import type { FirmwareBody } from '../../../model/command.ts';
import type { MeterId } from '../../../model/ids.ts';
import type { Principal } from '../../ports.ts';
import { API_ERRORS, isApiCode } from '../errors.ts';
import { FIRMWARE_VALID_MS } from '../limits.ts';
import { commandJson } from '../present.ts';
import { BODY } from '../requests.ts';
import { type ApiContext, addRoute } from '../route.ts';
import { OrderAnswer } from '../schemas.ts';
import { timeOf } from '../time.ts';
import { IdempotencyHeaders } from './commands.ts';
import { firmwareBody } from './images.ts';

/** Characters of the key of one command of an order: as long as a key may be. */
const KEY_CHARS = 64;

/** Adds the route of orders of firmware. */
export function registerFirmwareOrders(app: FastifyInstance, context: ApiContext): void {
  addRoute(app, {
    method: 'POST',
    url: '/api/v1/firmware-orders',
    tag: 'commands',
    summary: 'A new firmware for several meters',
    description:
      'Makes a command for each meter, or says why not; each is followed like any other. Meters of one line whose profile and keys allow it get the blocks at once, and each then what it missed. With the same Idempotency-Key each meter has the same command again.',
    body: BODY.firmwareOrder,
    headers: IdempotencyHeaders,
    answers: { 202: OrderAnswer },
    async handle({ body, principal, request, reply }) {
      const { sha256, activateAt, validForMs = FIRMWARE_VALID_MS } = body;
      const activateAtMs = activateAt === undefined ? null : timeOf(activateAt, '#/body/activateAt');
      const ordered = await firmwareBody(context, sha256, activateAtMs);
      const key = request.headers['idempotency-key'];
      const items = [];
      for (const meterId of body.meterIds) {
        const idempotencyKey = typeof key === 'string' ? keyFor(context, key, meterId) : null;
        items.push(await issued(context, meterId as MeterId, ordered, { principal, validForMs, idempotencyKey }));
      }
      const commands = items.filter((item) => 'command' in item).length;
      context.env.log.info('api.firmware-order', { requestId: request.id, sha256, meters: items.length, commands });
      return reply.code(202).send({ items });
    },
  });
}

interface Terms {
  readonly principal: Principal;
  readonly validForMs: number;
  readonly idempotencyKey: string | null;
}

/** The command of one meter; what keeps it from one the others do not suffer from. */
async function issued({ commands }: ApiContext, meterId: MeterId, body: FirmwareBody, terms: Terms) {
  const { principal, validForMs, idempotencyKey } = terms;
  try {
    const { record } = await commands.issue({
      meterId,
      body,
      author: principal.name,
      tenantId: principal.tenantId,
      validForMs,
      ...(idempotencyKey === null ? {} : { idempotencyKey }),
    });
    return { meterId, command: commandJson(record) };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    // What is not the meter's fails the whole order, which may be sent again with its key.
    if (!isApiCode(code) || API_ERRORS[code].status >= 500) throw error;
    return { meterId, refused: { code, sentence: API_ERRORS[code].sentence } };
  }
}

/** One key for each command, so that an order of which the answer was lost can be sent again. */
function keyFor({ env }: ApiContext, key: string, meterId: string): string {
  return toHex(env.crypto.sha256(new TextEncoder().encode(`${key} ${meterId}`))).slice(0, KEY_CHARS);
}

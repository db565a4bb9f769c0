/** Commands: issue, follow, list. */
import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import type { CommandBody } from '../../../model/command.ts';
import type { CommandId, MeterId } from '../../../model/ids.ts';
import { ApiError } from '../errors.ts';
import { COMMAND_VALID_MS, FIRMWARE_VALID_MS, PAGE_DEFAULT } from '../limits.ts';
import { commandJson } from '../present.ts';
import { BODY, PATH, QUERY } from '../requests.ts';
import { type ApiContext, addRoute } from '../route.ts';
import { CommandAnswer, pageOf } from '../schemas.ts';
import { timeOf } from '../time.ts';
import { firmwareBody } from './images.ts';

/** A key of the client's choice; the same key gives the same command, however often it is sent. */
export const IdempotencyHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      pattern: '^[\\x21-\\x7e]{1,64}$',
      description: '1-64 visible ASCII characters; the same key gives the same command',
    }),
  ),
});

type AskedBody = Static<typeof BODY.command>['body'];

/** What is stored and signed for what was asked. */
async function bodyOf(context: ApiContext, asked: AskedBody): Promise<CommandBody> {
  if (asked.kind !== 'firmware') return asked as CommandBody;
  const { sha256, activateAt } = asked;
  const activateAtMs = activateAt === undefined ? null : timeOf(activateAt, '#/body/body/activateAt');
  return await firmwareBody(context, sha256, activateAtMs);
}

/** Adds the routes of commands. */
export function registerCommands(app: FastifyInstance, context: ApiContext): void {
  addRoute(app, {
    method: 'POST',
    url: '/api/v1/commands',
    tag: 'commands',
    summary: 'Ask a meter something, switch its relay, or give it a new firmware or key',
    description: 'Stored and audited before it is sent. Follow it at the Location, or on the event stream.',
    body: BODY.command,
    headers: IdempotencyHeaders,
    answers: { 202: CommandAnswer },
    async handle({ body, principal, request, reply }) {
      const key = request.headers['idempotency-key'];
      const { record, created } = await context.commands.issue({
        meterId: body.meterId as MeterId,
        body: await bodyOf(context, body.body),
        author: principal.name,
        tenantId: principal.tenantId,
        validForMs: body.validForMs ?? (body.body.kind === 'firmware' ? FIRMWARE_VALID_MS : COMMAND_VALID_MS),
        ...(typeof key === 'string' ? { idempotencyKey: key } : {}),
      });
      context.env.log.info('api.command', {
        requestId: request.id,
        commandId: record.id,
        meterId: record.meterId,
        created,
      });
      return reply
        .code(202)
        .headers({ location: `/api/v1/commands/${record.id}`, 'idempotency-replayed': String(!created) })
        .send(commandJson(record));
    },
  });
  addRoute(app, {
    method: 'GET',
    url: '/api/v1/commands',
    tag: 'commands',
    summary: 'Commands, newest first',
    query: QUERY.commands,
    answers: { 200: pageOf(CommandAnswer) },
    async handle({ query }) {
      const page = await context.commands.commands({
        limit: query.limit ?? PAGE_DEFAULT,
        ...(query.meterId === undefined ? {} : { meterId: query.meterId as MeterId }),
        ...(query.state === undefined ? {} : { state: query.state }),
        ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
      });
      return { ...page, items: page.items.map(commandJson) };
    },
  });
  addRoute(app, {
    method: 'GET',
    url: '/api/v1/commands/:commandId',
    tag: 'commands',
    summary: 'One command with its history',
    path: PATH.command,
    answers: { 200: CommandAnswer },
    async handle({ path }) {
      const record = await context.commands.command(path.commandId as CommandId);
      if (record === undefined) throw new ApiError('COMMAND_UNKNOWN', '#/path/commandId', path.commandId);
      return commandJson(record);
    },
  });
}

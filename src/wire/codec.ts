/**
 * Control messages and commands: octets <-> model. Every received number, index, length and identifier is checked here, so
 * nothing behind this file has to doubt it. Unknown kinds of message throw WIRE_UNKNOWN_MESSAGE: count them and go on.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { concat, fromHex, toHex } from '../base/bytes.ts';
import { type Command, type CommandBody, KEY_NAMES, KEY_WAYS } from '../model/command.ts';
import { parseCommandId, parseEdgeId, parseMeterId } from '../model/ids.ts';
import { CLOCK_QUALITIES } from './block.ts';
import { DICTIONARY_HASH_OCTETS } from './dictionary.ts';
import { wireError } from './errors.ts';
import {
  countFromWire,
  hexOfLength,
  indexOf,
  laneFromWire,
  memberAt,
  objectReference,
  octetsOfLength,
  timeFromWire,
} from './fields.ts';
import {
  CollectorMessageSchema,
  type CommandMessage,
  CommandMessageSchema,
  EdgeMessageSchema,
  type CollectorMessage as WireCollectorMessage,
  type EdgeStatus as WireEdgeStatus,
  type Hello as WireHello,
  type LaneUpTo as WireLaneUpTo,
} from './gen/deltawatt_pb.ts';
import { LANE_ORDER } from './lanes.ts';
import {
  ADOPTION_TEXT_MAX_CHARACTERS,
  COMMAND_MAX_OBJECTS,
  DICTIONARY_MAX_OCTETS,
  ENVELOPE_BODY_MAX_OCTETS,
  IMAGE_IDENTIFIER_MAX_OCTETS,
  IMAGE_MAX_OCTETS,
  IMAGE_PART_MAX_OCTETS,
  SHA256_OCTETS,
  TEXT_MAX_CHARACTERS,
} from './limits.ts';
import type { CollectorBody, CollectorMessage, EdgeMessage, EdgeStatus, Hello, LaneUpTo } from './messages.ts';
import { rereadOrdersFrom, rereadOrdersInit, rereadResultsFrom, rereadResultsInit } from './reread-codec.ts';

/** Octets of a session. */
export const SESSION_OCTETS = 16;
/** Octets of a term: store id (8) and restore counter (4). */
export const TERM_OCTETS = 12;
/** Octets of an epoch, a boot id. */
export const EPOCH_OCTETS = 8;
/** Dictionaries are deflated once and sent over slow lines. */
const DEFLATE_LEVEL = 9;
/** Octets of an Ed25519 signature. */
export const SIGNATURE_OCTETS = 64;

function parse<Schema extends DescMessage>(schema: Schema, octets: Uint8Array): MessageShape<Schema> {
  if (octets.length > ENVELOPE_BODY_MAX_OCTETS) throw wireError('WIRE_TOO_LONG', `${octets.length} octets`);
  try {
    return fromBinary(schema, octets);
  } catch (error) {
    throw wireError('WIRE_MALFORMED', schema.name, error);
  }
}

function inflated(octets: Uint8Array): Uint8Array {
  try {
    return new Uint8Array(inflateRawSync(octets, { maxOutputLength: DICTIONARY_MAX_OCTETS }));
  } catch (error) {
    throw wireError('WIRE_MALFORMED', 'a dictionary that cannot be inflated, or is too long', error);
  }
}

function text(received: string, what: string): string {
  if (received.length > TEXT_MAX_CHARACTERS)
    throw wireError('WIRE_MALFORMED', `${what} of ${received.length} characters`);
  return received;
}

function atMostOnePerLane<Item>(items: readonly Item[]): readonly Item[] {
  if (items.length > LANE_ORDER.length) throw wireError('WIRE_MALFORMED', `${items.length} lanes`);
  return items;
}

function lanesFromWire(lanes: readonly Pick<WireLaneUpTo, 'lane' | 'upTo'>[]): LaneUpTo[] {
  return atMostOnePerLane(lanes).map(({ lane, upTo }) => ({ lane: laneFromWire(lane), upTo: countFromWire(upTo) }));
}

// --- edge -> collector -----------------------------------------------------------------------------------------------

/** The octets of a message of the edge, to be put into an envelope. */
export function encodeEdgeMessage(message: EdgeMessage): Uint8Array {
  return toBinary(EdgeMessageSchema, create(EdgeMessageSchema, edgeInit(message)));
}

function edgeInit(message: EdgeMessage): MessageInitShape<typeof EdgeMessageSchema> {
  switch (message.kind) {
    case 'hello': {
      const { hello } = message;
      const value = {
        ...hello,
        epoch: fromHex(hello.epoch),
        bootId: fromHex(hello.bootId),
        wallTimeMs: BigInt(hello.wallTimeMs),
        clockQuality: indexOf(CLOCK_QUALITIES, hello.clockQuality),
        lanes: hello.lanes.map(({ lane, first, last, lastKeyframe }) => ({
          lane,
          first: BigInt(first),
          last: BigInt(last),
          lastKeyframe: BigInt(lastKeyframe),
        })),
      };
      return { message: { case: 'hello', value } };
    }
    case 'dictionary':
      // A site's groups resemble each other: 247 kB of 1,000 meters become 8, and an alarm does not wait behind them.
      return { message: { case: 'dictionary', value: deflateRawSync(message.octets, { level: DEFLATE_LEVEL }) } };
    case 'status': {
      const { uptimeS, autonomyHours, facts } = message.status;
      const lanes = message.status.lanes.map(({ lane, octets, blocks, oldestMs }) => ({
        lane,
        octets: BigInt(octets),
        blocks: BigInt(blocks),
        oldestMs: BigInt(oldestMs),
      }));
      const value = { lanes, uptimeS: BigInt(uptimeS), autonomyHours, facts: facts.map((fact) => ({ ...fact })) };
      return { message: { case: 'status', value } };
    }
    case 'image': {
      const { sha256, offset, length } = message;
      return { message: { case: 'image', value: { sha256: fromHex(sha256), offset, length } } };
    }
    case 'rereads':
      return { message: { case: 'rereads', value: rereadResultsInit(message.results) } };
  }
}

function helloFrom(wire: WireHello): Hello {
  return {
    epoch: hexOfLength(wire.epoch, EPOCH_OCTETS, 'epoch'),
    bootId: hexOfLength(wire.bootId, EPOCH_OCTETS, 'boot id'),
    session: octetsOfLength(wire.session, SESSION_OCTETS, 'session'),
    lanes: atMostOnePerLane(wire.lanes).map((span) => ({
      lane: laneFromWire(span.lane),
      first: countFromWire(span.first),
      last: countFromWire(span.last),
      lastKeyframe: countFromWire(span.lastKeyframe),
    })),
    software: text(wire.software, 'software'),
    wallTimeMs: timeFromWire(wire.wallTimeMs),
    clockQuality: memberAt(CLOCK_QUALITIES, wire.clockQuality, 'clock quality'),
    protocol: wire.protocol,
  };
}

function statusFrom(wire: WireEdgeStatus): EdgeStatus {
  return {
    lanes: atMostOnePerLane(wire.lanes).map((backlog) => ({
      lane: laneFromWire(backlog.lane),
      octets: countFromWire(backlog.octets),
      blocks: countFromWire(backlog.blocks),
      oldestMs: timeFromWire(backlog.oldestMs),
    })),
    uptimeS: countFromWire(wire.uptimeS),
    autonomyHours: wire.autonomyHours,
    facts: wire.facts.map((fact) => ({
      name: text(fact.name, 'name'),
      state: text(fact.state, 'state'),
      sentence: text(fact.sentence, 'sentence'),
    })),
  };
}

/** A message of an edge, out of its envelope. */
export function decodeEdgeMessage(octets: Uint8Array): EdgeMessage {
  const { message } = parse(EdgeMessageSchema, octets);
  switch (message.case) {
    case 'hello':
      return { kind: 'hello', hello: helloFrom(message.value) };
    case 'dictionary':
      return { kind: 'dictionary', octets: inflated(message.value) };
    case 'status':
      return { kind: 'status', status: statusFrom(message.value) };
    case 'image': {
      const { sha256, offset, length } = message.value;
      if (offset > IMAGE_MAX_OCTETS || length === 0 || length > IMAGE_PART_MAX_OCTETS)
        throw wireError('WIRE_MALFORMED', `${length} octets at ${offset} of an image`);
      return { kind: 'image', sha256: hexOfLength(sha256, SHA256_OCTETS, 'image hash'), offset, length };
    }
    case 'rereads':
      return { kind: 'rereads', results: rereadResultsFrom(message.value) };
    case undefined:
      throw wireError('WIRE_UNKNOWN_MESSAGE', 'from an edge');
  }
}

// --- collector -> edge -----------------------------------------------------------------------------------------------

/** The octets of a message of the collector, to be put into an envelope. */
export function encodeCollectorMessage(message: CollectorMessage): Uint8Array {
  const { session, term, serverTimeMs, body } = message;
  const init = { session, term, serverTimeMs: BigInt(serverTimeMs), message: collectorInit(body) };
  return toBinary(CollectorMessageSchema, create(CollectorMessageSchema, init));
}

type CollectorInit = NonNullable<MessageInitShape<typeof CollectorMessageSchema>['message']>;

function collectorInit(body: CollectorBody): CollectorInit {
  switch (body.kind) {
    case 'answer': {
      const lanes = body.lanes.map(({ lane, upTo }) => ({ lane, upTo: BigInt(upTo) }));
      return { case: 'answer', value: { lanes, credit: BigInt(body.credit) } };
    }
    case 'ack': {
      const [first, ...also] = body.lanes.map(({ lane, upTo }) => ({ lane, upTo: BigInt(upTo) }));
      return { case: 'ack', value: { epoch: fromHex(body.epoch), ...first, credit: BigInt(body.credit), also } };
    }
    case 'need-dictionary':
      return { case: 'needDictionary', value: { hash: fromHex(body.hash), lane: body.lane } };
    case 'need-keyframe':
      return { case: 'needKeyframe', value: { lane: body.lane, upTo: BigInt(body.upTo) } };
    case 'command':
      return { case: 'command', value: { command: body.command, signature: body.signature } };
    case 'refusal':
      return { case: 'refusal', value: { code: body.code, sentence: body.sentence } };
    case 'image':
      return { case: 'image', value: { sha256: fromHex(body.sha256), offset: body.offset, octets: body.octets } };
    case 'rereads':
      return { case: 'rereads', value: rereadOrdersInit(body.orders) };
  }
}

function collectorBody({ message }: WireCollectorMessage): CollectorBody {
  switch (message.case) {
    case 'answer': {
      return {
        kind: 'answer',
        lanes: lanesFromWire(message.value.lanes),
        credit: countFromWire(message.value.credit),
      };
    }
    case 'ack': {
      const { epoch, also, credit } = message.value;
      return {
        kind: 'ack',
        epoch: hexOfLength(epoch, EPOCH_OCTETS, 'epoch'),
        lanes: lanesFromWire([message.value, ...also]),
        credit: countFromWire(credit),
      };
    }
    case 'needDictionary': {
      const hash = hexOfLength(message.value.hash, DICTIONARY_HASH_OCTETS, 'dictionary hash');
      return { kind: 'need-dictionary', hash, lane: laneFromWire(message.value.lane) };
    }
    case 'needKeyframe':
      return {
        kind: 'need-keyframe',
        lane: laneFromWire(message.value.lane),
        upTo: countFromWire(message.value.upTo),
      };
    case 'command': {
      const { command, signature } = message.value;
      return { kind: 'command', command, signature: octetsOfLength(signature, SIGNATURE_OCTETS, 'signature') };
    }
    case 'refusal': {
      const { code, sentence } = message.value;
      return { kind: 'refusal', code: text(code, 'code'), sentence: text(sentence, 'sentence') };
    }
    case 'image': {
      const { sha256, offset, octets } = message.value;
      if (octets.length > IMAGE_PART_MAX_OCTETS) throw wireError('WIRE_MALFORMED', `a part of ${octets.length} octets`);
      return { kind: 'image', sha256: hexOfLength(sha256, SHA256_OCTETS, 'image hash'), offset, octets };
    }
    case 'rereads':
      return { kind: 'rereads', orders: rereadOrdersFrom(message.value) };
    case undefined:
      throw wireError('WIRE_UNKNOWN_MESSAGE', 'from a collector');
  }
}

/** A message of a collector, out of its envelope. */
export function decodeCollectorMessage(octets: Uint8Array): CollectorMessage {
  const wire = parse(CollectorMessageSchema, octets);
  return {
    session: octetsOfLength(wire.session, SESSION_OCTETS, 'session'),
    term: octetsOfLength(wire.term, TERM_OCTETS, 'term'),
    serverTimeMs: timeFromWire(wire.serverTimeMs),
    body: collectorBody(wire),
  };
}

// --- commands --------------------------------------------------------------------------------------------------------

/** The octets of a command: what is stored, signed and sent, unchanged. */
export function encodeCommand(command: Command): Uint8Array {
  const init: MessageInitShape<typeof CommandMessageSchema> = {
    id: command.id,
    edgeId: command.edgeId,
    epoch: fromHex(command.epoch),
    meterId: command.meterId,
    expiresAtMs: BigInt(command.expiresAtMs),
    author: command.author,
    createdAtMs: BigInt(command.createdAtMs),
    body: commandInit(command.body),
  };
  return toBinary(CommandMessageSchema, create(CommandMessageSchema, init));
}

function commandInit(body: CommandBody): NonNullable<MessageInitShape<typeof CommandMessageSchema>['body']> {
  switch (body.kind) {
    case 'read': {
      if (body.objects.length > COMMAND_MAX_OBJECTS) throw wireError('WIRE_VALUE', `${body.objects.length} objects`);
      const objects = body.objects.map(({ classId, obis, attribute }) => ({ classId, obis, attribute }));
      return { case: 'read', value: { objects } };
    }
    case 'relay':
      return { case: 'relay', value: { reconnect: body.action === 'reconnect' } };
    case 'firmware': {
      const { sha256, sizeOctets, identifier, activateAtMs } = body;
      const value = { sha256: fromHex(sha256), size: sizeOctets, identifier: fromHex(identifier) };
      return { case: 'firmware', value: { ...value, activateAtMs: BigInt(activateAtMs ?? 0) } };
    }
    case 'key-rotation':
      return {
        case: 'keyRotation',
        value: { key: indexOf(KEY_NAMES, body.key), way: indexOf(KEY_WAYS, body.by ?? 'transfer') },
      };
    case 'ping':
      return { case: 'ping', value: {} };
    case 'adopt': {
      const { line, profile, node, timeZone = '' } = body;
      return { case: 'adoption', value: { line, profile, node, timeZone } };
    }
  }
}

function commandBody({ body }: CommandMessage): CommandBody {
  switch (body.case) {
    case 'read': {
      const { objects } = body.value;
      if (objects.length === 0 || objects.length > COMMAND_MAX_OBJECTS)
        throw wireError('WIRE_MALFORMED', `${objects.length} objects`);
      return { kind: 'read', objects: objects.map(objectReference) };
    }
    case 'relay':
      return { kind: 'relay', action: body.value.reconnect ? 'reconnect' : 'disconnect' };
    case 'firmware': {
      const { sha256, size, identifier, activateAtMs } = body.value;
      const isNamed = identifier.length > 0 && identifier.length <= IMAGE_IDENTIFIER_MAX_OCTETS;
      if (size === 0 || size > IMAGE_MAX_OCTETS || !isNamed)
        throw wireError('WIRE_MALFORMED', `an image of ${size} octets, ${identifier.length} octets of identifier`);
      const atMs = timeFromWire(activateAtMs);
      return {
        kind: 'firmware',
        sha256: hexOfLength(sha256, SHA256_OCTETS, 'image hash'),
        sizeOctets: size,
        identifier: toHex(identifier),
        activateAtMs: atMs === 0 ? null : atMs,
      };
    }
    case 'keyRotation':
      return {
        kind: 'key-rotation',
        key: memberAt(KEY_NAMES, body.value.key, 'key'),
        ...(body.value.way === 0 ? {} : { by: memberAt(KEY_WAYS, body.value.way, 'way') }),
      };
    case 'ping':
      return { kind: 'ping' };
    case 'adoption': {
      const { timeZone, ...named } = body.value;
      const texts = [named.line, named.profile, named.node];
      if ([...texts, timeZone].some((each) => each.length > ADOPTION_TEXT_MAX_CHARACTERS) || texts.includes(''))
        throw wireError('WIRE_MALFORMED', 'an adoption that names too little or too much');
      const { line, profile, node } = named;
      return { kind: 'adopt', line, profile, node, ...(timeZone === '' ? {} : { timeZone }) };
    }
    case undefined:
      throw wireError('WIRE_UNKNOWN_MESSAGE', 'a command of a kind that this version does not know');
  }
}

/** The command of octets whose signature was verified. */
export function decodeCommand(octets: Uint8Array): Command {
  const wire = parse(CommandMessageSchema, octets);
  const id = parseCommandId(wire.id);
  const edgeId = parseEdgeId(wire.edgeId);
  const meterId = parseMeterId(wire.meterId);
  if (id === null || edgeId === null || meterId === null)
    throw wireError('WIRE_MALFORMED', `command '${wire.id.slice(0, 40)}'`);
  return {
    id,
    edgeId,
    epoch: hexOfLength(wire.epoch, EPOCH_OCTETS, 'epoch'),
    meterId,
    body: commandBody(wire),
    author: text(wire.author, 'author'),
    createdAtMs: timeFromWire(wire.createdAtMs),
    expiresAtMs: timeFromWire(wire.expiresAtMs),
  };
}

const SIGNING_DOMAIN = new TextEncoder().encode('deltawatt command v1\0');

/** What the signature of a command covers: `deltawatt command v1` | 00 | the command's octets. */
export function commandSigningOctets(command: Uint8Array): Uint8Array {
  return concat([SIGNING_DOMAIN, command]);
}

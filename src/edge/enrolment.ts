/**
 * The file that the collector gives out once for a concentrator: who it is, where the broker is, and the keys. JSON:
 * {edgeId, url, password, key, commandPublicKey, limitsPublicKey}; keys are 64 hex digits. It is a secret: mode 0600.
 */
import { fromHex } from '../base/bytes.ts';
import { type EdgeId, parseEdgeId } from '../model/ids.ts';
import { edgeError } from './errors.ts';

/** An enrolment, checked. */
export interface Enrolment {
  readonly edgeId: EdgeId;
  /** `mqtt://` or `mqtts://` address of the broker. */
  readonly url: string;
  /** Password of the broker's user, whose name is the edge's id. */
  readonly password: string;
  /** Key of the authenticators, 32 octets. */
  readonly key: Uint8Array;
  /** Ed25519 key of those who may give orders, 32 octets. */
  readonly commandPublicKey: Uint8Array;
  /** Ed25519 key of those who may set the edge's limits, 32 octets. */
  readonly limitsPublicKey: Uint8Array;
}

const KEY = /^[0-9a-f]{64}$/;
const URL = /^mqtts?:\/\/\S+$/;

/** Reads the file; throws EDGE_ENROLMENT naming everything that is wrong with it. */
export function parseEnrolment(octets: Uint8Array): Enrolment {
  const fields = parseObject(new TextDecoder().decode(octets));
  const problems: string[] = [];
  const text = (name: string, form: (value: string) => boolean, wanted: string): string => {
    const value = fields[name];
    if (typeof value === 'string' && form(value)) return value;
    problems.push(`${name} ${wanted}`);
    return '';
  };
  const key = (name: string) => text(name, (value) => KEY.test(value), 'must be 64 hex digits');
  const edgeId = parseEdgeId(text('edgeId', (value) => parseEdgeId(value) !== null, 'must be the id of an edge'));
  const url = text('url', (value) => URL.test(value), 'must begin with mqtt:// or mqtts://');
  const password = text('password', (value) => value !== '', 'is missing');
  const [own, command, limits] = [key('key'), key('commandPublicKey'), key('limitsPublicKey')];
  if (edgeId === null || problems.length > 0) throw edgeError('EDGE_ENROLMENT', problems.join('; '));
  return {
    edgeId,
    url,
    password,
    key: fromHex(own),
    commandPublicKey: fromHex(command),
    limitsPublicKey: fromHex(limits),
  };
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (error) {
    throw edgeError('EDGE_ENROLMENT', 'not JSON', error);
  }
  throw edgeError('EDGE_ENROLMENT', 'not an object');
}

/**
 * Meters that attack their reader, by name: a transport around a meter's own that changes what the meter says, APDU by APDU,
 * the same over every framing. What MisbehavingMachine does to octets this does to messages.
 */
import { concat, fromHex } from '../../base/bytes.ts';
import type { ServerTransport, Stations, TransportEvent } from '../../dlms/frame/transport.ts';
import type { Apdu } from '../../dlms/xdlms/apdu.ts';
import { decodeApdu, encodeApdu } from '../../dlms/xdlms/codec.ts';

/** Ways to attack a reader. */
export const HOSTILITIES = [
  'replay',
  'wrong-title',
  'reflect-challenge',
  'short-challenge',
  'downgrade-mechanism',
  'downgrade-context',
  'downgrade-initiate',
  'plain-answer',
  'truncated-tag',
  'broadcast-key',
  'blocks-endless',
  'blocks-reordered',
  'blocks-empty',
  'bomb-depth',
  'bomb-count',
  'bomb-nothing',
  'neighbour',
] as const;

/** One of {@link HOSTILITIES}. */
export type Hostility = (typeof HOSTILITIES)[number];

const BROADCAST_KEY = 0x40;
const BOMBS = {
  'bomb-depth': fromHex(`${'0201'.repeat(100)}00`),
  'bomb-count': fromHex('0184ffffffff00'),
  'bomb-nothing': fromHex('1301ffff01ffff00020000'),
} as const;
/** A get-response-normal with a value: tag, form, invocation, choice. */
const GET_RESPONSE_HEAD = 4;
/** Offset of the security control octet in a service-ciphered APDU of short length. */
const CONTROL_AT = 2;

/** The transport of a meter that attacks. */
export class HostileTransport implements ServerTransport {
  readonly #inner: ServerTransport;
  readonly #how: Hostility;
  #challenge: Uint8Array | null = null;
  #said: Uint8Array | null = null;
  #block = 0;
  /** How many messages were changed. */
  attacks = 0;

  constructor(inner: ServerTransport, how: Hostility) {
    this.#inner = inner;
    this.#how = how;
  }

  get maxInFlight(): number {
    return this.#inner.maxInFlight;
  }

  send(apdu: Uint8Array, stations: Stations, nowMs: number): void {
    const said = this.#changed(apdu);
    if (said !== apdu) this.attacks++;
    const from = this.#how === 'neighbour' ? { ...stations, server: stations.server + 1 } : stations;
    if (from !== stations) this.attacks++;
    this.#inner.send(said, from, nowMs);
  }

  noAnswer(stations: Stations, nowMs: number): void {
    this.#inner.noAnswer(stations, nowMs);
  }

  push(apdu: Uint8Array, stations: Stations, nowMs: number): void {
    this.#inner.push(apdu, stations, nowMs);
  }

  notify(apdu: Uint8Array, stations: Stations, nowMs: number): void {
    this.#inner.notify(apdu, stations, nowMs);
  }

  receive(chunk: Uint8Array, nowMs: number): TransportEvent[] {
    const events = this.#inner.receive(chunk, nowMs);
    for (const event of events) if (event.kind === 'apdu') this.#hear(event.apdu);
    return events;
  }

  takeOutput(): Uint8Array[] {
    return this.#inner.takeOutput();
  }

  deadlineMs(): number | null {
    return this.#inner.deadlineMs();
  }

  tick(nowMs: number): TransportEvent[] {
    return this.#inner.tick(nowMs);
  }

  #hear(octets: Uint8Array): void {
    const apdu = read(octets);
    if (apdu?.apdu === 'aarq') this.#challenge = apdu.callingAuthenticationValue;
  }

  #changed(octets: Uint8Array): Uint8Array {
    const apdu = read(octets);
    if (apdu === null) return octets;
    if (apdu.apdu === 'aare') return this.#aare(apdu, octets);
    if (apdu.apdu === 'exception-response' || apdu.apdu === 'rlre') return octets;
    switch (this.#how) {
      case 'replay': {
        const before = this.#said;
        this.#said ??= octets;
        return before ?? octets;
      }
      case 'truncated-tag':
        return withoutEnd(octets, 4);
      case 'broadcast-key':
        return isCiphered(apdu) ? withOctet(octets, CONTROL_AT, (octet) => octet | BROADCAST_KEY) : octets;
      case 'plain-answer':
        return isCiphered(apdu) ? encodeApdu(FORGED) : octets;
      default:
        return this.#answer(apdu, octets);
    }
  }

  #aare(aare: Apdu & { readonly apdu: 'aare' }, octets: Uint8Array): Uint8Array {
    const title = aare.respondingApTitle;
    switch (this.#how) {
      case 'wrong-title':
        return title === null
          ? octets
          : encodeApdu({ ...aare, respondingApTitle: withOctet(title, 7, (octet) => octet ^ 0xff) });
      case 'reflect-challenge':
        return encodeApdu({ ...aare, respondingAuthenticationValue: this.#challenge });
      case 'short-challenge':
        return encodeApdu({
          ...aare,
          respondingAuthenticationValue: aare.respondingAuthenticationValue?.slice(0, 7) ?? null,
        });
      case 'downgrade-mechanism':
        return encodeApdu({ ...aare, mechanism: 1, respondingAuthenticationValue: null });
      case 'downgrade-context':
        return encodeApdu({ ...aare, applicationContext: 1 });
      case 'downgrade-initiate':
        return encodeApdu({ ...aare, userInformation: fromHex('0800065f1f0400007e1f04000007') });
      default:
        return octets;
    }
  }

  /** Answers to GET, in clear: a meter's own reader is attacked by what a value or its blocks say. */
  #answer(apdu: Apdu, octets: Uint8Array): Uint8Array {
    if (apdu.apdu !== 'get-response-normal' && apdu.apdu !== 'get-response-with-datablock') return octets;
    const { invokeId, confirmed, highPriority } = apdu;
    const invocation = { invokeId, confirmed, highPriority };
    switch (this.#how) {
      case 'bomb-depth':
      case 'bomb-count':
      case 'bomb-nothing':
        return concat([
          encodeApdu({ apdu: 'get-response-normal', ...invocation, result: { data: { type: 'null-data' } } }).subarray(
            0,
            GET_RESPONSE_HEAD,
          ),
          BOMBS[this.#how],
        ]);
      case 'blocks-endless':
      case 'blocks-reordered':
      case 'blocks-empty': {
        this.#block++;
        const jump = this.#how === 'blocks-reordered' && this.#block > 2 ? 1 : 0;
        const rawData = new Uint8Array(this.#how === 'blocks-empty' ? 0 : 1);
        return encodeApdu({
          apdu: 'get-response-with-datablock',
          ...invocation,
          lastBlock: false,
          blockNumber: this.#block + jump,
          block: { rawData },
        });
      }
      default:
        return octets;
    }
  }
}

/** What someone without keys would like the reader to believe. */
const FORGED: Apdu = {
  apdu: 'get-response-normal',
  invokeId: 1,
  confirmed: true,
  highPriority: true,
  result: { data: { type: 'double-long-unsigned', value: 666 } },
};

function isCiphered(apdu: Apdu): boolean {
  return apdu.apdu.startsWith('glo-') || apdu.apdu.startsWith('ded-');
}

function read(octets: Uint8Array): Apdu | null {
  try {
    return decodeApdu(octets);
  } catch {
    // What cannot be read is not changed.
    return null;
  }
}

function withOctet(octets: Uint8Array, at: number, change: (octet: number) => number): Uint8Array {
  const changed = octets.slice();
  changed.set([change(changed.at(at) ?? 0) & 0xff], at);
  return changed;
}

/** A ciphered APDU of short length without its last octets. */
function withoutEnd(octets: Uint8Array, count: number): Uint8Array {
  return withOctet(octets.slice(0, octets.length - count), 1, (length) => length - count);
}

/**
 * Follows associations through recorded APDUs: state, system titles and the dedicated key that the association messages
 * tell, so that what comes after can be deciphered; blocks and general-block-transfer joined.
 *
 * It believes nothing and refuses nothing: counters and order are shown, not judged. Whoever explains a capture wants to see
 * what was wrong.
 */
import { concat, toHex } from '../../../base/bytes.ts';
import { DeltawattError, reasonOf } from '../../../base/errors.ts';
import { isDlmsError } from '../../errors.ts';
import { APDU_NESTING_MAX } from '../../limits.ts';
import { isCipheredApdu } from '../../security/ciphering.ts';
import { type OpenerKeys, openWith } from '../../security/opener.ts';
import { SecretKey } from '../../security/secret-key.ts';
import { LONG_VALUE_MAX_BYTES } from '../../session/limits.ts';
import { type AssociationEvent, type AssociationState, nextState } from '../../session/state.ts';
import type { Apdu } from '../../xdlms/apdu.ts';
import type { CipheredApdu } from '../../xdlms/ciphered.ts';
import { decodeApdu } from '../../xdlms/codec.ts';
import type { JsonObject } from '../json.ts';
import { type Opener, shapeOfMessage } from '../message.ts';
import { BlockJoins } from './joins.ts';

/** Who spoke. */
export type Speaker = 'client' | 'server';

/** What a recorded APDU says. */
export interface FollowedApdu {
  /** State of the association after it. */
  readonly association: AssociationState;
  /** Name of the innermost APDU that could be opened. */
  readonly name: string;
  /** The APDU as `explain --json` shows messages. */
  readonly message: JsonObject;
  /** The whole value behind the last of several blocks; null otherwise. */
  readonly joined: JsonObject | null;
  /** Opens what this APDU carries, with what the association told until now. */
  readonly open: Opener;
}

/** Keys of whoever explains; titles and the dedicated key are learned. Null = nothing is deciphered. */
export type FollowKeys = OpenerKeys | null;

/** Diagnostic "authentication required" of an AARE that accepts: passes 3 and 4 follow. */
const HLS_PROOF_WANTED = 14;

/** One client's association with one meter. */
export class AssociationFollower {
  #state: AssociationState = 'linked';
  #titles: Record<Speaker, Uint8Array | null> = { client: null, server: null };
  #dedicated: SecretKey | null = null;
  #joins = new BlockJoins();
  readonly #general: Record<Speaker, { parts: Uint8Array[]; bytes: number; next: number }> = {
    client: { parts: [], bytes: 0, next: 1 },
    server: { parts: [], bytes: 0, next: 1 },
  };

  constructor(private readonly keys: FollowKeys) {}

  /** Looks at one APDU as it stood on the line. */
  take(octets: Uint8Array, speaker: Speaker): FollowedApdu {
    return this.#take(octets, speaker, 0);
  }

  #take(octets: Uint8Array, speaker: Speaker, depth: number): FollowedApdu {
    const open = this.#opener(speaker);
    try {
      const outer = decodeApdu(octets);
      const plain = this.#plain(outer, open);
      const carried = plain.apdu === 'general-block-transfer' ? this.#carried(plain, speaker, depth) : null;
      this.#learn(plain, speaker);
      this.#move(plain);
      const joined = carried ?? this.#joins.take(plain);
      return { association: this.#state, name: plain.apdu, message: shapeOfMessage(octets, outer, open), joined, open };
    } catch (error) {
      if (!isDlmsError(error)) throw error;
      const message = { apduHex: toHex(octets.subarray(0, MALFORMED_SHOWN_BYTES)), error: reasonOf(error) };
      return { association: this.#state, name: 'malformed', message, joined: null, open };
    }
  }

  #opener(speaker: Speaker): Opener {
    const { keys } = this;
    if (keys === null) return () => null;
    const title = this.#titles[speaker] ?? keys.title;
    const dedicated = this.#dedicated ?? keys.dedicated;
    const whole = { ...keys, title, ...(dedicated === undefined ? {} : { dedicated }) };
    // Looked at by the follower and shown by explain: opened once.
    const known = new Map<CipheredApdu, ReturnType<Opener>>();
    return (apdu) => {
      const before = known.get(apdu);
      if (before !== undefined) return before;
      const opened = openWith(apdu, whole);
      known.set(apdu, opened);
      return opened;
    };
  }

  /** What is inside, as far as the keys go. */
  #plain(apdu: Apdu, open: Opener): Apdu {
    return isCipheredApdu(apdu) ? (opened(apdu, open) ?? apdu) : apdu;
  }

  #learn(apdu: Apdu, speaker: Speaker): void {
    if (apdu.apdu === 'aarq') {
      this.#titles = { client: apdu.callingApTitle, server: null };
      this.#dedicated = null;
      this.#joins = new BlockJoins();
      const initiate = this.#initiate(apdu.userInformation, speaker);
      if (initiate?.apdu === 'initiate-request' && initiate.dedicatedKey !== null)
        this.#dedicated = new SecretKey(initiate.dedicatedKey);
    } else if (apdu.apdu === 'aare' && apdu.respondingApTitle !== null) {
      this.#titles.server = apdu.respondingApTitle;
    }
  }

  #initiate(octets: Uint8Array | null, speaker: Speaker): Apdu | null {
    if (octets === null) return null;
    try {
      return this.#plain(decodeApdu(octets), this.#opener(speaker));
    } catch (error) {
      if (isDlmsError(error)) return null;
      throw error;
    }
  }

  #move(apdu: Apdu): void {
    const event = eventOf(apdu, this.#state);
    const next = event === null ? null : nextState(this.#state, event);
    if (next !== null) this.#state = next;
  }

  /** The APDU that the last block completes, followed like any other. */
  #carried(
    block: Extract<Apdu, { apdu: 'general-block-transfer' }>,
    speaker: Speaker,
    depth: number,
  ): JsonObject | null {
    const transfer = this.#general[speaker];
    if (block.blockNumber === 1) Object.assign(transfer, { parts: [], bytes: 0, next: 1 });
    if (block.blockData.length === 0 || block.blockNumber !== transfer.next) return null;
    transfer.next++;
    transfer.bytes += block.blockData.length;
    if (transfer.bytes > LONG_VALUE_MAX_BYTES) return { problem: `more than ${LONG_VALUE_MAX_BYTES} octets in blocks` };
    transfer.parts.push(block.blockData);
    if (!block.lastBlock) return null;
    const octets = concat(transfer.parts);
    const blocks = transfer.parts.length;
    Object.assign(transfer, { parts: [], bytes: 0, next: 1 });
    if (depth >= APDU_NESTING_MAX) return { problem: 'blocks inside blocks' };
    const { message, joined } = this.#take(octets, speaker, depth + 1);
    return { blocks, ...message, ...(joined === null ? {} : { joined }) };
  }
}

function opened(apdu: CipheredApdu, open: Opener): Apdu | null {
  try {
    const inside = open(apdu);
    if (inside === null) return null;
    const plain = decodeApdu(inside.plaintext);
    return isCipheredApdu(plain) ? opened(plain, open) : plain;
  } catch (error) {
    if (error instanceof DeltawattError) return null;
    throw error;
  }
}

function eventOf(apdu: Apdu, state: AssociationState): AssociationEvent | null {
  switch (apdu.apdu) {
    case 'aarq':
      return 'request';
    case 'aare':
      if (apdu.result !== 0) return 'refuse';
      return apdu.diagnostic.source === 'acse-service-user' && apdu.diagnostic.code === HLS_PROOF_WANTED
        ? 'challenge'
        : 'accept';
    case 'rlrq':
      return 'release';
    case 'rlre':
      return 'released';
    case 'action-response-normal':
      if (state !== 'authenticating') return null;
      return apdu.actionResult === 0 ? 'proof' : 'refuse';
    default:
      return null;
  }
}

/** Octets of a message that cannot be read, as far as they are shown. */
const MALFORMED_SHOWN_BYTES = 256;

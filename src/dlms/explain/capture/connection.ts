/**
 * One recorded connection: both directions cut into frames (HDLC or wrapper, found by the first octets), frames joined to
 * APDUs, and each pair of stations followed as an association of its own.
 */
import { concat } from '../../../base/bytes.ts';
import type { HdlcFrame } from '../../frame/hdlc-frame.ts';
import { HDLC_RULE } from '../../frame/hdlc-frame.ts';
import { APDU_MAX_BYTES } from '../../frame/limits.ts';
import { withoutLlc } from '../../frame/llc.ts';
import { FrameScanner } from '../../frame/scanner.ts';
import type { WrapperMessage } from '../../frame/wrapper-frame.ts';
import { wrapperRule } from '../../frame/wrapper-frame.ts';
import { AssociationFollower, type FollowedApdu, type FollowKeys, type Speaker } from './follow.ts';
import { ASSOCIATIONS_MAX } from './limits.ts';

/** Where in the capture something was said. */
export interface SpokenAt {
  /** Offset in the file of the packet that brought its end. */
  readonly offset: number;
  /** UTC ms, or null. */
  readonly atMs: number | null;
}

/** What a connection carries, in the order of the capture. */
export type ConnectionEvent =
  | {
      readonly kind: 'apdu';
      readonly at: SpokenAt;
      readonly speaker: Speaker;
      /** Client SAP and logical device. */
      readonly client: number;
      readonly server: number;
      readonly octets: Uint8Array;
      readonly followed: FollowedApdu;
    }
  /** A frame that opens or ends a data link. */
  | { readonly kind: 'link'; readonly at: SpokenAt; readonly speaker: Speaker; readonly frame: string }
  /** Octets that belong to no frame, or that are missing. */
  | {
      readonly kind: 'problem';
      readonly at: SpokenAt;
      readonly speaker: Speaker;
      readonly code: string;
      readonly octets: number;
    };

const HDLC_FLAG = 0x7e;
const NEVER_MS = Number.POSITIVE_INFINITY;

type Emit = (event: ConnectionEvent) => void;

interface Direction {
  scan: ((octets: Uint8Array, at: SpokenAt) => void) | null;
  end: () => void;
  /** Segments of an APDU, and the number of the frame that was taken last. */
  parts: Uint8Array[];
  partBytes: number;
  lastNs: number | null;
}

/** See the head of the file. */
export class RecordedConnection {
  readonly #directions: Record<Speaker, Direction> = { client: newDirection(), server: newDirection() };
  readonly #associations = new Map<string, AssociationFollower>();

  constructor(
    private readonly keys: FollowKeys,
    private readonly emit: Emit,
  ) {}

  /** Octets in order. */
  octets(speaker: Speaker, octets: Uint8Array, at: SpokenAt): void {
    const direction = this.#directions[speaker];
    direction.scan ??= this.#scanner(speaker, direction, octets.at(0) === HDLC_FLAG);
    direction.scan(octets, at);
  }

  /** Octets are missing here: what was begun will not be finished. */
  lost(speaker: Speaker, octets: number, at: SpokenAt): void {
    this.emit({ kind: 'problem', at, speaker, code: 'lost-in-capture', octets });
    this.#directions[speaker] = newDirection();
  }

  /** The capture ends. */
  finish(): void {
    for (const { end } of Object.values(this.#directions)) end();
  }

  #scanner(speaker: Speaker, direction: Direction, hdlc: boolean): NonNullable<Direction['scan']> {
    let last: SpokenAt = { offset: 0, atMs: null };
    const scanner = hdlc
      ? new FrameScanner<HdlcFrame | WrapperMessage>([HDLC_RULE], NEVER_MS)
      : new FrameScanner<HdlcFrame | WrapperMessage>([wrapperRule()], NEVER_MS);
    const hear = (events: ReturnType<typeof scanner.receive>, at: SpokenAt) => {
      for (const event of events) {
        if (event.kind === 'discarded')
          this.emit({ kind: 'problem', at, speaker, code: event.code, octets: event.octets.length });
        else if ('apdu' in event.frame) this.#wrapper(event.frame, speaker, at);
        else this.#hdlc(event.frame, speaker, direction, at);
      }
    };
    direction.end = () => hear(scanner.flush(), last);
    return (octets, at) => {
      last = at;
      hear(scanner.receive(octets, 0), at);
    };
  }

  #wrapper({ source, destination, apdu }: WrapperMessage, speaker: Speaker, at: SpokenAt): void {
    const [client, server] = speaker === 'client' ? [source, destination] : [destination, source];
    this.#apdu(apdu, speaker, client, server, at);
  }

  #hdlc(frame: HdlcFrame, speaker: Speaker, direction: Direction, at: SpokenAt): void {
    const { control, information, segmented, source, destination } = frame;
    if (control.type !== 'I' && control.type !== 'UI') {
      if (control.type === 'SNRM') for (const each of Object.values(this.#directions)) restart(each);
      if (control.type !== 'RR') this.emit({ kind: 'link', at, speaker, frame: control.type });
      return;
    }
    if (control.type === 'I') {
      // The same number again is the same frame again.
      if (control.ns === direction.lastNs) return;
      direction.lastNs = control.ns;
    }
    direction.parts.push(information);
    direction.partBytes += information.length;
    if (segmented && direction.partBytes <= APDU_MAX_BYTES) return;
    const octets = concat(direction.parts);
    direction.parts = [];
    direction.partBytes = 0;
    const apdu = withoutLlc(octets);
    if (apdu === null) {
      this.emit({ kind: 'problem', at, speaker, code: 'HDLC_LLC', octets: octets.length });
      return;
    }
    const [client, server] =
      speaker === 'client' ? [source.upper, destination.upper] : [destination.upper, source.upper];
    this.#apdu(apdu, speaker, client, server, at);
  }

  #apdu(octets: Uint8Array, speaker: Speaker, client: number, server: number, at: SpokenAt): void {
    const key = `${client}>${server}`;
    let follower = this.#associations.get(key);
    if (follower === undefined) {
      if (this.#associations.size >= ASSOCIATIONS_MAX) this.#associations.clear();
      follower = new AssociationFollower(this.keys);
      this.#associations.set(key, follower);
    }
    const followed = follower.take(octets, speaker);
    this.emit({ kind: 'apdu', at, speaker, client, server, octets, followed });
  }
}

function newDirection(): Direction {
  return { scan: null, end: () => undefined, parts: [], partBytes: 0, lastNs: null };
}

function restart(direction: Direction): void {
  direction.parts = [];
  direction.partBytes = 0;
  direction.lastNs = null;
}

/** What a line is to the rest of the program: an address, what it can do, and octets both ways. */
import type { ByteDuplex, Listener } from '../base/env.ts';

/** What a link says about itself. */
export interface LinkCapabilities {
  /** Requests that may be on their way at once. */
  readonly maxInFlight: number;
  /** Longest APDU, octets. */
  readonly maxPduBytes: number;
  /** One frame can reach every meter. */
  readonly broadcast: boolean;
  /** The link tells when meters come and go. */
  readonly joinEvents: boolean;
  /** Meters can be asked for anew. */
  readonly rescan: boolean;
}

/** How APDUs are framed on the octets of a link; `p1` = telegrams and no APDUs, `p1-unchecked` = those without a CRC. */
export type LinkFraming = 'hdlc' | 'wrapper' | 'mbus' | 'auto' | 'p1' | 'p1-unchecked';

/** Whether telegrams come instead of APDUs. */
export function carriesTelegrams(framing: LinkFraming): boolean {
  return framing === 'p1' || framing === 'p1-unchecked';
}

interface LinkFacts {
  /** Canonical address, as configured. */
  readonly url: string;
  readonly scheme: string;
  readonly framing: LinkFraming;
  readonly capabilities: LinkCapabilities;
  /** Time of one octet, ms; 0 where the line is fast. Ask after opening: an optical head agrees on its speed then. */
  readonly octetMs: number;
  /** Silence inside a frame after which it is given up, ms. */
  readonly gapMs: number;
  /** Silence between the segments of one push after which they are given up, ms; absent = as the listener has it. */
  readonly reassemblyMs?: number;
}

/** A line that this side opens: to ask meters, or (`purpose` push) to listen to what a meter sends by itself. */
export interface LineLink extends LinkFacts {
  readonly kind: 'line';
  readonly purpose: 'ask' | 'push';
  /** Each association needs the line opened anew, as after the sign-on of an optical head; absent = one opening serves many. */
  readonly opensPerSession?: boolean;
  /** Opens it; rejects with LINK_OPEN. */
  open(): Promise<ByteDuplex>;
}

/** A place where meters connect to and push; each connection is a line of its own. */
export interface ListenerLink extends LinkFacts {
  readonly kind: 'listener';
  readonly purpose: 'push';
  /** Listens; rejects with LINK_OPEN. */
  listen(accept: (duplex: ByteDuplex) => void): Promise<Listener>;
}

/** Any link. */
export type Link = LineLink | ListenerLink;

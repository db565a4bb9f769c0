/** What a line is to the rest of the program: an address, what it can do, and octets both ways. */
import type { ByteDuplex, Listener, SerialSettings } from '../base/env.ts';

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

/** How APDUs are framed on the octets of a link; `p1` = telegrams and no APDUs, `p1-unchecked` = those without a CRC, `sml` = files of SML, `ascii` = messages of IEC 62056-21. */
export type LinkFraming =
  | 'hdlc'
  | 'wrapper'
  | 'mbus'
  | 'auto'
  | 'p1'
  | 'p1-unchecked'
  | 'sml'
  | 'ascii'
  | 'modbus-rtu'
  | 'modbus-tcp';

/** Whether telegrams come instead of APDUs. */
export function carriesTelegrams(framing: LinkFraming): boolean {
  return framing === 'p1' || framing === 'p1-unchecked' || framing === 'sml';
}

/** Protocols without associations, in which meters are asked for what they have; each is a `through` of profiles. */
export type PlainProtocol = 'mbus' | 'ascii' | 'modbus';

/** The protocol in which meters of a line are asked, when it carries no APDUs; null = it does. */
export function plainProtocolOf({ framing, purpose }: Pick<Link, 'framing' | 'purpose'>): PlainProtocol | null {
  if (purpose !== 'ask') return null;
  if (framing === 'modbus-rtu' || framing === 'modbus-tcp') return 'modbus';
  return framing === 'mbus' || framing === 'ascii' ? framing : null;
}

/** A line whose speed changes while it is open. */
export interface SwitchedDuplex extends ByteDuplex {
  /** Gives it other settings, after everything written has left; it is closed until the first time. Rejects with LINK_OPEN. */
  set(settings: SerialSettings): Promise<void>;
}

/** How the asking side of ASCII meters goes about it; times in ms, absent = as it is done usually. */
export interface AsciiWays {
  readonly startBaud?: number;
  readonly maxBaud?: number;
  readonly wakeOctets?: number;
  readonly openMs?: number;
  readonly reactionMs?: number;
  readonly drainMs?: number;
  readonly recoverMs?: number;
  readonly attempts?: number;
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
  /** Days of rows that may be asked for at once: less where many share the way; absent = as the edge has it. */
  readonly sliceDays?: number;
  /** Silence between the segments of one push after which they are given up, ms; absent = as the listener has it. */
  readonly reassemblyMs?: number;
}

/** Whom to open a line to, where a link is a network that knows its meters by name. */
export interface LineTarget {
  /** As the network knows it: DLMS id, or EUI of its modem. */
  readonly name: string;
  /** wPort under which it is heard. */
  readonly station: number;
}

/** Something has changed in a network: a meter has joined, left, or answered too late; or the network itself came in sight, or went out of it. */
export type NodeChange =
  | {
      readonly kind: 'joined' | 'left' | 'late';
      /** What does not change: the DLMS id of a PRIME meter, the EUI-64 of a G3 meter. */
      readonly name: string;
      /** EUI-48 or EUI-64 of its modem, 12 or 16 hex digits. */
      readonly eui: string;
    }
  | { readonly kind: 'connected' | 'lost' };

/** Where a link keeps what must survive a restart of the program. */
export interface LinkMemory {
  /** What was kept last, as it was given; undefined = nothing. */
  load(): Promise<unknown>;
  /** Resolves when it is stored for good; `value` can be written as JSON. */
  keep(value: unknown): Promise<void>;
}

/** Whether a node is the one of this name: its DLMS id, or the EUI of its modem with or without separators. */
export function isNamed(node: { readonly name: string; readonly eui: string }, name: string): boolean {
  return node.name === name || node.eui === name.toUpperCase().replace(/[:-]/g, '');
}

/** A line that this side opens: to ask meters, or (`purpose` push) to listen to what a meter sends by itself. */
export interface LineLink extends LinkFacts {
  readonly kind: 'line';
  readonly purpose: 'ask' | 'push';
  /** Each association needs the line opened anew, as after the sign-on of an optical head; absent = one opening serves many. */
  readonly opensPerSession?: boolean;
  /** Wait for an answer, ms; absent = as sessions have it. */
  readonly answerTimeoutMs?: number;
  /** Silence after a request that is long enough to make way for somebody else, ms; absent = as sessions have it. */
  readonly answerWindowMs?: number;
  /** Opens it where its speed changes; absent = it keeps its speed, or cannot be told to change it. */
  openSwitched?(): Promise<SwitchedDuplex>;
  /** Of a line on which ASCII is spoken. */
  readonly ascii?: AsciiWays;
  /** Meters have to be named when it is opened, by their serial numbers in the settings; absent = it is one line for all. */
  readonly findsByName?: boolean;
  /** Why no meter of such a network can have this name, as a sentence; null = one can. */
  nameProblem?(name: string): string | null;
  /** Opens it; rejects with LINK_OPEN, or LINK_NO_NODE when the meter is not in the network. */
  open(to?: LineTarget): Promise<ByteDuplex>;
  /** Ms for which a meter is better left in peace, since an answer of it is still under way; absent = the link needs no such pause. */
  restMs?(name: string): number;
  /** Whether every coming and going of a meter is worth an event of its own; absent = one an hour for all. */
  readonly tellsEach?: boolean;
  /** Tells from now on who comes and goes; absent = the link does not know. */
  watch?(listener: (change: NodeChange) => void): void;
  /** Comes into sight of the network without asking a meter, so that joins are heard; rejects with LINK_OPEN. Absent = the link has none. */
  attend?(): Promise<void>;
  /** Whether meters that join and that nobody named are asked who they are; absent = no. */
  readonly tellsStrangers?: boolean;
  /** Gives the link a memory, before it is opened; absent = it has nothing to remember. */
  remember?(memory: LinkMemory): void;
  /** Gives up what lies below the lines that were opened; absent = there is nothing. */
  close?(): void;
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

/** The line of a link that is used once: when it does not open, nothing below it is left open either. Rejects as `open` does. */
export function openOnce(link: LineLink): Promise<ByteDuplex> {
  return link.open().catch((error: unknown) => {
    link.close?.();
    throw error;
  });
}

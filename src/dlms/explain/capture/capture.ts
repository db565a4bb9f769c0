/**
 * A whole capture explained: packets to connections to associations, one event for each APDU, in the order of the capture.
 *
 * The server is whoever has the port that was asked for. UDP carries whole messages; TCP is put in order first. The events
 * are given as they are found, so memory holds what is open, not what was said.
 */

import { type ConnectionEvent, RecordedConnection, type SpokenAt } from './connection.ts';
import type { FollowKeys, Speaker } from './follow.ts';
import { CONNECTIONS_MAX } from './limits.ts';
import { type Segment, segmentOf } from './packet.ts';
import type { CapturedPacket } from './pcap.ts';
import { type StreamPart, TcpStream } from './stream.ts';

/** The registered port of DLMS/COSEM. */
export const DLMS_PORT = 4059;

/** An event and the connection that it belongs to. */
export type CaptureEvent = ConnectionEvent & {
  /** `client address:port > server address:port`. */
  readonly connection: string;
};

/** How a capture is to be read. */
export interface CaptureOptions {
  /** Ports of servers; default {@link DLMS_PORT}. */
  readonly ports?: readonly number[];
  /** Keys at hand; titles are learned. */
  readonly keys?: FollowKeys;
}

/** What a capture held besides its events. */
export interface CaptureSummary {
  packets: number;
  /** Packets that are no TCP or UDP over IP, fragments, or cut too short. */
  skipped: number;
  /** Packets of other ports, and which ports they were, a few of them. */
  readonly otherPorts: Set<number>;
  connections: number;
  apdus: number;
}

interface Conversation {
  readonly key: string;
  readonly recorded: RecordedConnection;
  readonly streams: Record<Speaker, TcpStream>;
  at: SpokenAt;
  /** Who has said that it says no more. */
  readonly ended: Set<Speaker>;
}

const OTHER_PORTS_SHOWN = 8;

/** Reads captures: give it packets in order, then call {@link CaptureReader.finish}. */
export class CaptureReader {
  readonly summary: CaptureSummary = { packets: 0, skipped: 0, otherPorts: new Set(), connections: 0, apdus: 0 };
  readonly #ports: ReadonlySet<number>;
  readonly #keys: FollowKeys;
  readonly #conversations = new Map<string, Conversation>();
  #events: CaptureEvent[] = [];

  constructor(options: CaptureOptions = {}) {
    this.#ports = new Set(options.ports ?? [DLMS_PORT]);
    this.#keys = options.keys ?? null;
  }

  /** Takes a packet; gives what it completes. */
  take(packet: CapturedPacket): CaptureEvent[] {
    this.summary.packets++;
    const segment = segmentOf(packet);
    if (segment === null) this.summary.skipped++;
    else this.#segment(segment);
    return this.#given();
  }

  /** The capture ends. */
  finish(): CaptureEvent[] {
    for (const conversation of this.#conversations.values()) this.#end(conversation);
    this.#conversations.clear();
    return this.#given();
  }

  #given(): CaptureEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #segment(segment: Segment): void {
    const toServer = this.#ports.has(segment.toPort);
    if (!toServer && !this.#ports.has(segment.fromPort)) {
      if (this.summary.otherPorts.size < OTHER_PORTS_SHOWN) this.summary.otherPorts.add(segment.toPort);
      return;
    }
    const [client, server] = toServer ? [segment.from, segment.to] : [segment.to, segment.from];
    const speaker: Speaker = toServer ? 'client' : 'server';
    const conversation = this.#conversation(`${client} > ${server}`, `${segment.protocol} ${client} ${server}`);
    conversation.at = { offset: segment.offset, atMs: segment.atMs };
    const parts: StreamPart[] =
      segment.protocol === 'udp'
        ? [{ kind: 'octets', octets: segment.payload }]
        : conversation.streams[speaker].take(segment.sequence, segment.begins, segment.payload);
    this.#parts(conversation, speaker, parts);
    if (!segment.ends) return;
    conversation.ended.add(speaker);
    if (conversation.ended.size < 2) return;
    this.#end(conversation);
    this.#conversations.delete(conversation.key);
  }

  #parts({ recorded, at }: Conversation, speaker: Speaker, parts: readonly StreamPart[]): void {
    for (const part of parts) {
      if (part.kind === 'lost') recorded.lost(speaker, part.count, at);
      else if (part.octets.length > 0) recorded.octets(speaker, part.octets, at);
    }
  }

  #conversation(name: string, key: string): Conversation {
    const known = this.#conversations.get(key);
    if (known !== undefined) {
      // Used last stands last.
      this.#conversations.delete(key);
      this.#conversations.set(key, known);
      return known;
    }
    const [oldest] = this.#conversations;
    if (oldest !== undefined && this.#conversations.size >= CONNECTIONS_MAX) {
      this.#end(oldest[1]);
      this.#conversations.delete(oldest[0]);
    }
    this.summary.connections++;
    const recorded = new RecordedConnection(this.#keys, (event) => {
      if (event.kind === 'apdu') this.summary.apdus++;
      this.#events.push({ ...event, connection: name });
    });
    const streams = { client: new TcpStream(), server: new TcpStream() };
    const conversation: Conversation = { key, recorded, streams, at: { offset: 0, atMs: null }, ended: new Set() };
    this.#conversations.set(key, conversation);
    return conversation;
  }

  #end(conversation: Conversation): void {
    for (const speaker of ['client', 'server'] as const)
      this.#parts(conversation, speaker, conversation.streams[speaker].flush());
    conversation.recorded.finish();
  }
}

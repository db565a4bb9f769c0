/**
 * A meter that tells what happens to it: each event of its logs goes to the clients that are associated, once a second has
 * passed completely, as its log has whole seconds. What happened while nobody listened stands in the log alone.
 */
import type { Machine } from '../../base/machine.ts';
import type { ServerSession, ServerSessionEvent } from '../../dlms/session/server.machine.ts';
import type { Device } from '../meter/device.ts';
import { codeIn } from '../meter/events.ts';
import { eventCodeData, eventCodeOf, momentOctets } from '../meter/objects/events.ts';

const SECOND_MS = 1000;

/** A machine around a meter's session that tells events. */
export class TellingMachine implements Machine<ServerSessionEvent> {
  #toldUpToMs: number;
  #lookAtMs: number | null = null;

  constructor(
    private readonly session: ServerSession,
    private readonly device: Device,
  ) {
    this.#toldUpToMs = this.#overMs;
  }

  receive(chunk: Uint8Array, nowMs: number): ServerSessionEvent[] {
    // First what happened, then the answer: on a line where the sides take turns both go out together.
    this.#look(nowMs);
    const events = this.session.receive(chunk, nowMs);
    this.#lookAtMs = this.session.hasAssociations ? (this.#lookAtMs ?? nowMs + SECOND_MS) : null;
    return events;
  }

  takeOutput(): Uint8Array[] {
    return this.session.takeOutput();
  }

  deadlineMs(): number | null {
    const inner = this.session.deadlineMs();
    return this.#lookAtMs === null ? inner : Math.min(this.#lookAtMs, inner ?? Number.POSITIVE_INFINITY);
  }

  tick(nowMs: number): ServerSessionEvent[] {
    if (this.#lookAtMs !== null && nowMs >= this.#lookAtMs) {
      this.#look(nowMs);
      this.#lookAtMs = this.session.hasAssociations ? nowMs + SECOND_MS : null;
    }
    return this.session.tick(nowMs);
  }

  /** The last millisecond of the last whole second by the meter's clock. */
  get #overMs(): number {
    return Math.floor(this.device.nowMs / SECOND_MS) * SECOND_MS - 1;
  }

  #look(nowMs: number): void {
    const untilMs = this.#overMs;
    // A clock that was set back: what comes from there on is new.
    const sinceMs = Math.min(this.#toldUpToMs, untilMs);
    this.#toldUpToMs = untilMs;
    if (!this.session.hasAssociations || sinceMs === untilMs) return;
    for (const event of this.device.events.between(sinceMs, untilMs)) {
      for (const rule of this.device.profile.eventLogs) {
        const code = codeIn(rule, event.code);
        if (code === null) continue;
        const happening = { attribute: eventCodeOf(rule), value: eventCodeData(code) };
        this.session.notify({ ...happening, time: momentOctets(this.device, event.atMs) }, nowMs);
      }
    }
  }
}

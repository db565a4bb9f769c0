/**
 * One direction of a TCP connection put in order: repeated octets are dropped, early ones wait, a hole that does not close
 * is told. The first segment seen begins the stream, also in the middle of a connection.
 */
import { REORDER_MAX_BYTES, REORDER_MAX_SEGMENTS } from './limits.ts';

/** Octets in order, or a hole. */
export type StreamPart =
  | { readonly kind: 'octets'; readonly octets: Uint8Array }
  | { readonly kind: 'lost'; readonly count: number };

/** See the head of the file. */
export class TcpStream {
  #next: number | null = null;
  readonly #early = new Map<number, Uint8Array>();
  #earlyBytes = 0;

  /** Takes a segment; `begins` = it has the flag that opens a connection, which counts as one octet. */
  take(sequence: number, begins: boolean, payload: Uint8Array): StreamPart[] {
    if (begins) {
      this.#early.clear();
      this.#earlyBytes = 0;
      this.#next = (sequence + 1) >>> 0;
      return payload.length === 0 ? [] : this.#add(this.#next, payload);
    }
    if (payload.length === 0) return [];
    this.#next ??= sequence;
    return this.#add(sequence, payload);
  }

  /** The capture ends: what waits comes behind the holes before it. */
  flush(): StreamPart[] {
    const parts: StreamPart[] = [];
    while (this.#early.size > 0) parts.push(...this.#skipHole());
    return parts;
  }

  #add(sequence: number, payload: Uint8Array): StreamPart[] {
    const next = this.#next ?? sequence;
    const ahead = (sequence - next) | 0;
    if (ahead > 0) {
      if ((this.#early.get(sequence)?.length ?? 0) >= payload.length) return [];
      this.#earlyBytes += payload.length - (this.#early.get(sequence)?.length ?? 0);
      this.#early.set(sequence, payload);
      const full = this.#earlyBytes > REORDER_MAX_BYTES || this.#early.size > REORDER_MAX_SEGMENTS;
      return full ? this.#skipHole() : [];
    }
    return [...this.#append(next, payload, -ahead), ...this.#takeEarly()];
  }

  #append(next: number, payload: Uint8Array, known: number): StreamPart[] {
    const fresh = payload.subarray(Math.min(payload.length, known));
    if (fresh.length === 0) return [];
    this.#next = (next + fresh.length) >>> 0;
    return [{ kind: 'octets', octets: fresh }];
  }

  /** Early segments that the stream has come up to. */
  #takeEarly(): StreamPart[] {
    const parts: StreamPart[] = [];
    for (;;) {
      const next = this.#next ?? 0;
      const due = [...this.#early].find(([sequence]) => ((sequence - next) | 0) <= 0);
      if (due === undefined) return parts;
      const [sequence, payload] = due;
      this.#early.delete(sequence);
      this.#earlyBytes -= payload.length;
      parts.push(...this.#append(next, payload, (next - sequence) | 0));
    }
  }

  #skipHole(): StreamPart[] {
    const next = this.#next ?? 0;
    const nearest = [...this.#early.keys()].reduce((a, b) => (((a - next) | 0) < ((b - next) | 0) ? a : b));
    const count = (nearest - next) | 0;
    this.#next = nearest;
    return [{ kind: 'lost', count }, ...this.#takeEarly()];
  }
}

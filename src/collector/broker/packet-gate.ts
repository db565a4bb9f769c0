/**
 * Looks at the fixed headers of an MQTT stream (MQTT-2.2) and says where it goes too far, before anything is buffered for
 * it: aedes itself would gather a packet of 256 MB, from a stranger too.
 */
import { ByteReader } from '../../base/bytes.ts';
import { BEFORE_CONNACK_BYTES, PACKET_MAX_BYTES } from './limits.ts';

/** Why a connection must be cut. */
export type GateFault = 'too much before CONNACK' | 'packet too large' | 'malformed length';

/** Counts the octets of one connection; any split of the stream gives the same answer. */
export class PacketGate {
  #before = 0;
  #isOpen = false;
  /** Octets of the current packet still to come after its header. */
  #body = 0;
  /** Octets of the length field read so far; -1 = the type octet comes next. */
  #lengthAt = -1;
  #length = 0;

  /** From CONNACK on, packets may be as large as ours are. */
  open(): void {
    this.#isOpen = true;
  }

  /** The fault that makes this chunk the last one, or null. */
  check(chunk: Uint8Array): GateFault | null {
    if (!this.#isOpen) {
      this.#before += chunk.length;
      if (this.#before > BEFORE_CONNACK_BYTES) return 'too much before CONNACK';
    }
    const reader = new ByteReader(chunk);
    while (reader.remaining > 0) {
      const fault = this.#step(reader);
      if (fault !== null) return fault;
    }
    return null;
  }

  #step(reader: ByteReader): GateFault | null {
    if (this.#body > 0) {
      const skipped = Math.min(this.#body, reader.remaining);
      reader.skip(skipped);
      this.#body -= skipped;
      return null;
    }
    const octet = reader.u8();
    if (this.#lengthAt < 0) {
      this.#lengthAt = 0;
      this.#length = 0;
      return null;
    }
    this.#length += (octet & 0x7f) * 128 ** this.#lengthAt;
    this.#lengthAt += 1;
    if (octet >= 0x80) return this.#lengthAt === 4 ? 'malformed length' : null;
    this.#lengthAt = -1;
    this.#body = this.#length;
    return this.#length > PACKET_MAX_BYTES ? 'packet too large' : null;
  }
}

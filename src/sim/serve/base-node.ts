/**
 * A PRIME base node with simulated meters behind it: one connection to a concentrator (DLMSoTCP), one device id for each
 * meter that has joined.
 *
 * Once it was asked to report it names every meter that is there, then forwards messages both ways. A meter may leave and join
 * again, each time with the next device id. What a meter loses is lost in silence, requests as often as answers: the protocol has no
 * negative answer. Given up: repeaters, the queue of five with its silent drop, and the stall of 40 s of a real modem.
 */
import type { ByteDuplex, DuplexListener } from '../../base/env.ts';
import type { SeededRandom } from '../../base/seeded-random.ts';
import { decodePrime, encodePrime, type PrimeMessage, type PrimeNewDevice } from '../../dlms/frame/prime-message.ts';
import { FrameScanner } from '../../dlms/frame/scanner.ts';
import { encodeWrapper, type WrapperMessage, wrapperRule } from '../../dlms/frame/wrapper-frame.ts';
import { addressOnLine, type SimMeter } from '../fleet.ts';

/** A meter behind the base node. */
export interface BaseNodeMeter {
  /** DLMS id, 1 to 16 printable characters. */
  readonly serial: string;
  /** Its wPort on the line that the base node makes of the connection. */
  readonly address: number;
}

/** How the network is. */
export interface BaseNodeHabits {
  /** Share of messages that are lost on the power line, 0 to 1; absent = none. */
  readonly loss?: number;
  /** Needed where something is lost. */
  readonly random?: SeededRandom;
}

/** EUI-48 of a simulated modem: locally administered, from the digits of the serial number. */
export function simEui48(serial: string): string {
  return `02${serial.replace(/\D/g, '').slice(-10).padStart(10, '0')}`;
}

const NOBODY_JOINED_BEFORE = 1;
const ARQ = 1;

/** The meters' side of the connection, as a line under the wrapper on which each meter has its own wPort. */
export class BaseNodeDuplex implements ByteDuplex {
  readonly #ids = new Map<number, BaseNodeMeter>();
  readonly #heard = new FrameScanner<WrapperMessage>([wrapperRule()], 0);
  readonly #said = new FrameScanner<WrapperMessage>([wrapperRule()], 0);
  #listener: DuplexListener | null = null;
  #nextId = NOBODY_JOINED_BEFORE;
  #isReporting = false;

  constructor(
    private readonly duplex: ByteDuplex,
    meters: readonly BaseNodeMeter[],
    private readonly habits: BaseNodeHabits = {},
  ) {
    for (const meter of meters) this.#ids.set(this.#nextId++, meter);
  }

  get peer(): string {
    return this.duplex.peer;
  }

  /** Device ids of the meters that are there. */
  get ids(): ReadonlyMap<number, BaseNodeMeter> {
    return this.#ids;
  }

  /** The meter falls out of the network. */
  leave(meter: BaseNodeMeter): void {
    for (const [deviceId, each] of this.#ids) {
      if (each !== meter) continue;
      this.#ids.delete(deviceId);
      this.#tell({ kind: 'device-removed', deviceId });
    }
  }

  /** It is back, under the next device id, or under that of somebody who has left. */
  join(meter: BaseNodeMeter, deviceId = this.#nextId++): void {
    this.leave(meter);
    this.#ids.set(deviceId, meter);
    this.#tell(newDevice(deviceId, meter));
  }

  listen(listener: DuplexListener): void {
    this.#listener = listener;
    this.duplex.listen({ data: (chunk) => this.#receive(chunk), closed: () => listener.closed() });
  }

  async write(octets: Uint8Array): Promise<void> {
    for (const event of this.#said.receive(octets, 0)) {
      if (event.kind !== 'frame' || this.#isLost()) continue;
      const { source, destination: client, apdu } = event.frame;
      // A meter that has left meanwhile is heard by nobody.
      for (const [deviceId, { address }] of this.#ids)
        if (address === source) await this.#send({ kind: 'data', deviceId, client, apdu });
    }
  }

  close(): void {
    this.duplex.close();
  }

  #receive(chunk: Uint8Array): void {
    for (const event of this.#heard.receive(chunk, 0)) {
      if (event.kind !== 'frame') {
        this.duplex.close();
        return;
      }
      this.#message(decodePrime(event.frame, 'concentrator'));
    }
  }

  #message(message: PrimeMessage): void {
    if (message.kind === 'start-reporting') {
      this.#isReporting = true;
      for (const [deviceId, meter] of this.#ids) this.#tell(newDevice(deviceId, meter));
    } else if (message.kind === 'delete-device') {
      const meter = this.#ids.get(message.deviceId);
      if (meter !== undefined) this.leave(meter);
    } else if (message.kind === 'data' && this.#isReporting) {
      const meter = this.#ids.get(message.deviceId);
      if (meter === undefined || this.#isLost()) return;
      const { client: source, apdu } = message;
      this.#listener?.data(encodeWrapper({ source, destination: meter.address, apdu }));
    }
  }

  #isLost(): boolean {
    const { loss = 0, random } = this.habits;
    return loss > 0 && random !== undefined && random.unit() < loss;
  }

  #tell(message: PrimeMessage): void {
    if (this.#isReporting) void this.#send(message).catch(() => this.duplex.close());
  }

  #send(message: PrimeMessage): Promise<void> {
    return this.duplex.write(encodePrime(message, 'base-node'));
  }
}

/** A base node at the end of a connection, with these meters behind it: their line is served under the wrapper. */
export function baseNodeOf(duplex: ByteDuplex, meters: readonly SimMeter[], habits: BaseNodeHabits): BaseNodeDuplex {
  const behind = meters.map((meter, at) => ({
    serial: meter.device.serial,
    address: addressOnLine(meter, at, 'wrapper'),
  }));
  return new BaseNodeDuplex(duplex, behind, habits);
}

function newDevice(deviceId: number, { serial }: BaseNodeMeter): PrimeNewDevice {
  return { kind: 'new-device', deviceId, capabilities: ARQ, serial, eui48: simEui48(serial) };
}

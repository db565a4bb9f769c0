/**
 * A PRIME base node with simulated meters behind it: one connection to a concentrator (DLMSoTCP), one device id for each
 * meter that has joined.
 *
 * Once it was asked to report it names every meter that is there, then forwards messages both ways. The network lives on
 * without a connection; a newer connection ends the one before. What the power line does to messages is in `sim/plc/modem.ts`,
 * who comes and goes in `sim/plc/network.ts`, and all traits are in `sim/plc/habits.ts`.
 */
import type { ByteDuplex, DuplexListener, Env } from '../../base/env.ts';
import { SeededRandom } from '../../base/seeded-random.ts';
import { decodePrime, encodePrime, type PrimeMessage, type PrimeNewDevice } from '../../dlms/frame/prime-message.ts';
import { FrameScanner } from '../../dlms/frame/scanner.ts';
import { encodeWrapper, type WrapperMessage, wrapperRule } from '../../dlms/frame/wrapper-frame.ts';
import { PRIME_APDU_MAX_BYTES } from '../../link/limits.ts';
import { addressOnLine, type SimMeter } from '../fleet.ts';
import type { PlcHabits } from '../plc/habits.ts';
import { PlcModem } from '../plc/modem.ts';
import { type PlcMeter, PlcNetwork, type PlcNode } from '../plc/network.ts';

/** EUI-48 of a simulated modem: locally administered, from the digits of the serial number. */
export function simEui48(serial: string): string {
  return `02${serial.replace(/\D/g, '').slice(-10).padStart(10, '0')}`;
}

const ARQ = 1;

/** Simulated meters as the network knows them; their line is served under the wrapper. */
export function behindBaseNode(meters: readonly SimMeter[]): PlcMeter[] {
  return meters.map((meter, at) => ({ serial: meter.device.serial, address: addressOnLine(meter, at, 'wrapper') }));
}

/** See the head of the file. */
export class BaseNode {
  readonly network: PlcNetwork;
  readonly modem: PlcModem;
  /** Monotonic ms until which no connection is taken. */
  #bootsUntilMs = 0;
  #line: BaseNodeLine | null = null;

  constructor(
    meters: readonly PlcMeter[],
    private readonly env: Pick<Env, 'clock' | 'timers'>,
    private readonly habits: PlcHabits = {},
    random: SeededRandom = new SeededRandom('base-node'),
  ) {
    this.modem = new PlcModem(env, random.fork('modem'), habits);
    this.network = new PlcNetwork(meters, habits, env, random.fork('network'));
    this.network.watch({ joined: (node) => this.#line?.joined(node), left: (node) => this.#line?.left(node) });
  }

  /** The meters' side of a connection, as a line under the wrapper on which each meter has its own wPort. */
  attach(duplex: ByteDuplex): ByteDuplex {
    this.#line?.close();
    const line = new BaseNodeLine(duplex, this.network, this.modem);
    if (this.env.clock.monotonicMs() < this.#bootsUntilMs) line.close();
    this.#line = line;
    return line;
  }

  /** It is started anew: the connection ends, nobody has joined, requests are forgotten. */
  restart(): void {
    this.#bootsUntilMs = this.env.clock.monotonicMs() + (this.habits.bootMs ?? 0);
    this.#line?.close();
    this.#line = null;
    this.modem.restart();
    this.network.restart();
  }
}

/** One connection. */
class BaseNodeLine implements ByteDuplex {
  readonly #heard = new FrameScanner<WrapperMessage>([wrapperRule()], 0);
  readonly #said = new FrameScanner<WrapperMessage>([wrapperRule()], 0);
  #listener: DuplexListener | null = null;
  #isReporting = false;
  #open = true;

  constructor(
    private readonly duplex: ByteDuplex,
    private readonly network: PlcNetwork,
    private readonly modem: PlcModem,
  ) {
    // The concentrator speaks before the meters listen.
    duplex.listen({
      data: (chunk) => this.#receive(chunk),
      closed: () => {
        this.#open = false;
        this.#listener?.closed();
      },
    });
  }

  get peer(): string {
    return this.duplex.peer;
  }

  joined(node: PlcNode): void {
    this.#tell(newDevice(node));
  }

  left({ deviceId }: PlcNode): void {
    this.#tell({ kind: 'device-removed', deviceId });
  }

  listen(listener: DuplexListener): void {
    this.#listener = listener;
    if (!this.#open) listener.closed();
  }

  write(octets: Uint8Array): Promise<void> {
    for (const event of this.#said.receive(octets, 0)) {
      if (event.kind !== 'frame') continue;
      const { source, destination: client, apdu } = event.frame;
      const node = [...this.network.nodes.values()].find(({ meter }) => meter.address === source);
      // A meter that has left meanwhile is heard by nobody, and what is too long fits no buffer.
      if (node === undefined || apdu.length > PRIME_APDU_MAX_BYTES) continue;
      this.modem.answer(node.hops, () => {
        if (this.#isThere(node)) this.#tell({ kind: 'data', deviceId: node.deviceId, client, apdu });
      });
    }
    return Promise.resolve();
  }

  close(): void {
    this.#open = false;
    this.duplex.close();
  }

  #receive(chunk: Uint8Array): void {
    for (const event of this.#heard.receive(chunk, 0)) {
      if (event.kind !== 'frame') {
        this.close();
        return;
      }
      this.#message(decodePrime(event.frame, 'concentrator'));
    }
  }

  #message(message: PrimeMessage): void {
    if (message.kind === 'start-reporting') {
      this.#isReporting = true;
      for (const node of this.network.nodes.values()) this.joined(node);
    } else if (message.kind === 'delete-device') {
      const node = this.network.nodes.get(message.deviceId);
      if (node !== undefined) this.network.release(node.meter);
    } else if (message.kind === 'data' && this.#isReporting && message.apdu.length <= PRIME_APDU_MAX_BYTES) {
      const node = this.network.nodes.get(message.deviceId);
      const { client: source, apdu } = message;
      // A request for nobody holds the modem all the same.
      this.modem.ask(node?.hops ?? 1, () => {
        if (node === undefined || !this.#isThere(node)) return;
        this.#listener?.data(encodeWrapper({ source, destination: node.meter.address, apdu }));
      });
    }
  }

  /** Whether this registration still holds, and somebody listens. */
  #isThere(node: PlcNode): boolean {
    return this.#open && this.network.nodes.get(node.deviceId) === node;
  }

  #tell(message: PrimeMessage): void {
    if (!this.#isReporting || !this.#open) return;
    this.duplex.write(encodePrime(message, 'base-node')).catch(() => this.close());
  }
}

function newDevice({ deviceId, meter: { serial } }: PlcNode): PrimeNewDevice {
  return { kind: 'new-device', deviceId, capabilities: ARQ, serial, eui48: simEui48(serial) };
}

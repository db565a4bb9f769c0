/** One connection to the gateway: its APDUs are told apart by meter and client, each pair has one association at a time. */
import { toHex } from '../../base/bytes.ts';
import type { ByteDuplex } from '../../base/env.ts';
import { DeltawattError } from '../../base/errors.ts';
import type { RunningMachine } from '../../base/machine.ts';
import type { Stations, TransportEvent } from '../../dlms/frame/transport.ts';
import { WrapperServer } from '../../dlms/frame/wrapper.machine.ts';
import { decodeApdu, encodeApdu } from '../../dlms/index.ts';
import { LineDriver } from '../../link/drive.ts';
import type { MeterId } from '../../model/ids.ts';
import type { GatewayOptions } from './options.ts';
import { Passage } from './passage.ts';

/** What a caller is made of. */
export interface CallerOptions extends GatewayOptions {
  readonly duplex: ByteDuplex;
  /** Meters that somebody talks to, of all callers. */
  readonly taken: Set<MeterId>;
  readonly ended: () => void;
}

/** state service-not-allowed, service operation-not-possible: what the protocol has for "not now, not you". */
const REFUSED = encodeApdu({ apdu: 'exception-response', stateError: 1, serviceError: 1, invocationCounter: null });

/** See the head of the file. */
export class GatewayCaller {
  readonly #options: CallerOptions;
  readonly #server = new WrapperServer({ gapMs: 0 });
  readonly #driver: LineDriver;
  readonly #running: RunningMachine;
  readonly #passages = new Map<string, Passage>();
  /** Of passages whose line is not given back yet. */
  readonly #unfinished = new Set<Promise<void>>();

  constructor(options: CallerOptions) {
    this.#options = options;
    this.#driver = new LineDriver(options.duplex, options.env);
    this.#running = this.#driver.run(
      this.#server,
      (events) => {
        for (const event of events) this.#hear(event);
      },
      () => this.#gone(),
    );
    this.#running.kick();
  }

  /** Ends all associations and the connection. */
  async stop(): Promise<void> {
    for (const passage of [...this.#passages.values()]) passage.end('The gateway is stopping.');
    await Promise.all(this.#unfinished);
    this.#driver.close();
  }

  #gone(): void {
    for (const passage of [...this.#passages.values()]) passage.end('The caller has gone.');
    this.#options.ended();
  }

  #hear(event: TransportEvent): void {
    const { health } = this.#options;
    if (event.kind === 'discarded') health.count(`gateway_discarded_${event.code.toLowerCase()}`);
    else if (event.kind === 'apdu') this.#message(event.apdu, event.stations);
  }

  #message(octets: Uint8Array, stations: Stations): void {
    const prefix = prefixOf(octets);
    if (prefix === null) {
      this.#refuse(null, stations, 'An APDU came without a gateway prefix.');
      return;
    }
    const { networkId, physicalDeviceAddress, content } = prefix;
    const address = { networkId, physicalDeviceAddress };
    const key = `${stations.client} ${networkId} ${toHex(physicalDeviceAddress)}`;
    const passage = this.#passages.get(key) ?? this.#begin(key, stations, address, content);
    if (typeof passage === 'string') this.#refuse(address, stations, passage);
    else if (!passage.send(content))
      this.#refuse(address, stations, 'The caller talks on without waiting for answers.');
  }

  /** A new association with a meter, or the sentence that says why there is none. */
  #begin(key: string, stations: Stations, address: Address, content: Uint8Array): Passage | string {
    const { settings, taken, env, duplex } = this.#options;
    const meterId = new TextDecoder().decode(address.physicalDeviceAddress) as MeterId;
    if (address.networkId !== settings.networkId) return `There is no network ${address.networkId} here.`;
    if (!settings.meters.includes(meterId)) return 'The meter may not be reached through this gateway.';
    if (content.at(0) !== AARQ_TAG) return 'An association begins with an AARQ.';
    if (taken.has(meterId)) return 'Somebody else talks to this meter.';
    taken.add(meterId);
    env.log.info('gateway.asked', { peer: duplex.peer, meterId, client: stations.client });
    const passage = new Passage({
      ...this.#options,
      meterId,
      client: stations.client,
      answer: (apdu) => this.#answer(apdu, address, stations),
      refuse: (sentence) => this.#refuse(address, stations, sentence),
      ended: () => {
        this.#passages.delete(key);
        taken.delete(meterId);
      },
    });
    this.#passages.set(key, passage);
    const over = passage.over.finally(() => this.#unfinished.delete(over));
    this.#unfinished.add(over);
    return passage;
  }

  #answer(content: Uint8Array, address: Address | null, stations: Stations): void {
    const apdu = address === null ? content : encodeApdu({ apdu: 'gateway-response', ...address, content });
    this.#server.send(apdu, stations, this.#running.nowMs());
    this.#running.kick();
  }

  #refuse(address: Address | null, { client, server }: Stations, sentence: string): void {
    const { env, health, duplex } = this.#options;
    health.count('gateway_refused');
    const meter = address === null ? null : toHex(address.physicalDeviceAddress);
    env.log.warn('gateway.refused', { peer: duplex.peer, client, meter, sentence });
    this.#answer(REFUSED, address, { client, server });
  }
}

interface Address {
  readonly networkId: number;
  readonly physicalDeviceAddress: Uint8Array;
}

const AARQ_TAG = 0x60;

function prefixOf(octets: Uint8Array) {
  try {
    const apdu = decodeApdu(octets);
    return apdu.apdu === 'gateway-request' ? apdu : null;
  } catch (error) {
    if (error instanceof DeltawattError) return null;
    throw error;
  }
}

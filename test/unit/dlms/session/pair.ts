/** A client and a server session over HDLC or the wrapper, on a virtual line. */
import { fromHex } from '../../../../src/base/bytes.ts';
import type { Machine } from '../../../../src/base/machine.ts';
import { serverAddress } from '../../../../src/dlms/frame/hdlc-address.ts';
import { HdlcClient, type HdlcClientOptions } from '../../../../src/dlms/frame/hdlc-client.machine.ts';
import type { HdlcParameters } from '../../../../src/dlms/frame/hdlc-parameters.ts';
import { HdlcServer } from '../../../../src/dlms/frame/hdlc-server.machine.ts';
import { WrapperClient, WrapperServer } from '../../../../src/dlms/frame/wrapper.machine.ts';
import type { Association } from '../../../../src/dlms/session/association.ts';
import {
  ClientSession,
  type ClientSessionEvent,
  type ClientSessionOptions,
} from '../../../../src/dlms/session/client.machine.ts';
import type { ObjectModel, ServerClient } from '../../../../src/dlms/session/object-model.ts';
import type { MeterRequest, Outcome } from '../../../../src/dlms/session/request.ts';
import { ServerSession, type ServerSessionEvent } from '../../../../src/dlms/session/server.machine.ts';
import { namesOfObjects } from '../../../../src/dlms/session/short-association-object.ts';
import type { ShortNames } from '../../../../src/dlms/session/short-names.ts';
import { type LineFaults, VirtualLine } from '../frame/line.ts';
import { BenchMeter } from './bench-meter.ts';

export const PASSWORD = fromHex('3132333435363738');

const PLAIN_CLIENTS: readonly ServerClient[] = [
  { sap: 1, authentication: { mechanism: 'lls', password: PASSWORD } },
  { sap: 16, authentication: { mechanism: 'none' } },
];

export interface PairOptions {
  readonly framing: 'hdlc' | 'wrapper';
  readonly sap?: number;
  readonly client?: ClientSessionOptions;
  readonly hdlc?: Partial<HdlcClientOptions>;
  readonly parameters?: HdlcParameters;
  readonly serverPduMaxBytes?: number;
  readonly serverConformance?: number;
  /** What the server serves; default the bench meter. */
  readonly model?: ObjectModel;
  readonly faults?: LineFaults;
  readonly seed?: number;
  /** Clients of the server besides the two plain ones. */
  readonly clients?: readonly ServerClient[];
  readonly systemTitle?: Uint8Array;
  readonly meter?: BenchMeter;
  /** Short names on both sides, with what the client knows of them. */
  readonly shortNames?: ShortNames;
  /** Octets of the server's challenges. */
  readonly random?: ((count: number) => Uint8Array) | null;
  /** What becomes of each piece that the server writes: habits of a meter that ours does not have. */
  readonly says?: (octets: Uint8Array) => Uint8Array;
}

/** Both ends and what happened. */
export class Pair {
  readonly meter: BenchMeter;
  readonly client: ClientSession;
  readonly server: ServerSession;
  readonly line: VirtualLine<ClientSessionEvent, ServerSessionEvent>;
  readonly events: ClientSessionEvent[] = [];
  readonly served: ServerSessionEvent[] = [];
  readonly outcomes = new Map<number, Outcome>();
  closed: { readonly code: string | null } | null = null;
  associated = false;
  #association: Association | null = null;

  constructor(options: PairOptions) {
    this.meter = options.meter ?? new BenchMeter();
    const sap = options.sap ?? 1;
    const parameters = options.parameters === undefined ? {} : { parameters: options.parameters };
    const transports =
      options.framing === 'hdlc'
        ? [
            new HdlcClient({ client: sap, server: serverAddress(1, 17), ...parameters, ...options.hdlc }),
            new HdlcServer({ physicalDevice: 17, ...parameters }),
          ]
        : [new WrapperClient({ client: sap, server: 1 }), new WrapperServer()];
    const [clientTransport, serverTransport] = transports as [HdlcClient, HdlcServer];
    this.client = new ClientSession(clientTransport, {
      authentication: { mechanism: 'lls', password: PASSWORD },
      shortNames: options.shortNames ?? null,
      ...options.client,
    });
    this.server = new ServerSession(serverTransport, {
      model: options.model ?? this.meter,
      clients: [
        ...(options.clients ?? []),
        ...PLAIN_CLIENTS.filter(({ sap: plain }) => options.clients?.every((own) => own.sap !== plain) ?? true),
      ],
      systemTitle: options.systemTitle ?? null,
      random: options.random ?? null,
      shortNames: options.shortNames === undefined ? null : namesOfObjects(this.meter.objectList(1)),
      ...(options.serverConformance === undefined ? {} : { conformance: options.serverConformance }),
      ...(options.serverPduMaxBytes === undefined ? {} : { serverPduMaxBytes: options.serverPduMaxBytes }),
    });
    const { server } = this;
    const { says = (octets: Uint8Array) => octets } = options;
    const meter: Machine<ServerSessionEvent> = {
      receive: (chunk, nowMs) => server.receive(chunk, nowMs),
      takeOutput: () => server.takeOutput().map(says),
      deadlineMs: () => server.deadlineMs(),
      tick: (nowMs) => server.tick(nowMs),
    };
    this.line = new VirtualLine([this.client, meter], options.faults ?? {}, options.seed ?? 1, (end, events) => {
      if (end === 1) this.served.push(...(events as ServerSessionEvent[]));
      else for (const event of events as ClientSessionEvent[]) this.#note(event);
    });
  }

  #note(event: ClientSessionEvent): void {
    this.events.push(event);
    if (event.kind === 'done') this.outcomes.set(event.id, event.outcome);
    else if (event.kind === 'associated') {
      this.associated = true;
      this.#association = event.association;
    } else if (event.kind === 'closed') this.closed = { code: event.error?.code ?? null };
  }

  /** What both agreed on. */
  get association(): Association {
    if (this.#association === null) throw new Error('not associated');
    return this.#association;
  }

  /** Connects; true when the association is open. */
  connect(): boolean {
    this.client.connect(this.line.nowMs);
    this.line.run(() => this.associated || this.closed !== null, this.line.nowMs + 3_600_000);
    return this.associated && this.closed === null;
  }

  /** Asks and waits for the outcome. */
  ask(request: MeterRequest): Outcome {
    const id = this.client.request(request, this.line.nowMs);
    this.line.run(() => this.outcomes.has(id), this.line.nowMs + 3_600_000);
    const outcome = this.outcomes.get(id);
    if (outcome === undefined) throw new Error(`request ${id} never ended`);
    return outcome;
  }

  /** Releases and waits for the end. */
  release(): void {
    this.client.release(this.line.nowMs);
    this.line.run(() => this.closed !== null, this.line.nowMs + 3_600_000);
  }
}

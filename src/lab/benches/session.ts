/**
 * The `session` bench: round trips and octets of a small job with one meter (association view of 22 objects or more, clock, four
 * registers with scalers, capture objects, a day of 96 rows, release) under HLS-GMAC, everything ciphered.
 *
 * Real client and server sessions over a line in memory; a round trip is counted on the line, whenever the client has spoken
 * and the meter has answered, whatever layer wanted it: SNRM, acknowledgements of segments and DISC count like questions.
 * TCP's own packets do not. `cold` = nothing is known of the meter, `warm` = the job was done before.
 */
import { toHex } from '../../base/bytes.ts';
import { assert } from '../../base/errors.ts';
import type { Machine, MachineRunner, RunningMachine } from '../../base/machine.ts';
import { SeededRandom } from '../../base/seeded-random.ts';
import {
  type ClientTransport,
  CounterReceiver,
  CounterSender,
  dateTimeData,
  dateTimeOfUtcMs,
  HdlcClient,
  HdlcServer,
  KnownMeters,
  MeterReader,
  openSession,
  PROTECTED,
  parseObis,
  rangeAccess,
  SecretKey,
  ServerSession,
  type ServerTransport,
  serverAddress,
  type TransportEvent,
  WrapperClient,
  WrapperServer,
} from '../../dlms/index.ts';
import { parseProfileOrThrow } from '../../profile/schema/parse.ts';
import { Device } from '../../sim/meter/device.ts';
import { MeterModel } from '../../sim/meter/model.ts';
import { atMost, type BenchEnv, type BenchResult } from './bench.ts';

const PROFILE = 'generic/idis';
const SAP = 1;
const PHYSICAL = 17;
const OBJECTS_MIN = 22;
const ROWS = 96;
const DAY_MS = 86_400_000;
/** 2026-11-20T00:00Z, any day will do. */
const NOW_MS = 1_795_132_800_000;
const METER_TITLE = Uint8Array.of(0x44, 0x57, 0x45, 0, 0, 0, 0, 1);
const CLIENT_TITLE = Uint8Array.of(0x44, 0x57, 0x45, 0, 0, 0, 0, 2);
const CHALLENGE_OCTETS = 16;
const KEY_OCTETS = 16;
const PDU_OF_OLD_METERS = 1_024;
const STEPS_MAX = 10_000;

const REGISTERS = ['1-0:1.8.0', '1-0:2.8.0', '1-0:1.7.0', '1-0:32.7.0'].map((obis) => parseObis(obis));
const CLOCK = { classId: 8, instanceId: parseObis('0-0:1.0.0'), attributeId: 2 };
const BUFFER = parseObis('1-0:99.1.0');

/** A way to the meter. */
export interface Way {
  readonly name: string;
  readonly hdlc: { readonly informationBytes: number; readonly window: number } | null;
  readonly clientPduMaxBytes?: number;
  readonly listItemsMax?: number;
  readonly coldMax?: number;
  readonly warmMax?: number;
}

const WAYS: readonly Way[] = [
  { name: 'wrapper', hdlc: null, coldMax: 14, warmMax: 7 },
  { name: 'wrapperPdu1024', hdlc: null, clientPduMaxBytes: PDU_OF_OLD_METERS },
  { name: 'wrapperOneByOne', hdlc: null, listItemsMax: 1 },
  { name: 'hdlc1024Window1', hdlc: { informationBytes: 1_024, window: 1 }, coldMax: 20, warmMax: 12 },
  { name: 'hdlc1024Window7', hdlc: { informationBytes: 1_024, window: 7 }, coldMax: 20, warmMax: 12 },
  { name: 'hdlc512Window1', hdlc: { informationBytes: 512, window: 1 } },
  { name: 'hdlc512Window7', hdlc: { informationBytes: 512, window: 7 } },
  { name: 'hdlc128Window1', hdlc: { informationBytes: 128, window: 1 } },
  { name: 'hdlc128Window7', hdlc: { informationBytes: 128, window: 7 } },
];

/** What went over the line in one job. */
interface Traffic {
  roundTrips: number;
  octetsUp: number;
  octetsDown: number;
  /** Round trips that segments and window allow at least; over the wrapper one an APDU. */
  least: number;
  readonly heard: Heard;
}

/** Hears the line. */
export type Heard = (speaker: 'client' | 'server', octets: Uint8Array) => void;

/** Runs every way, cold and warm. */
export async function benchSession(env: BenchEnv): Promise<BenchResult> {
  const profile = parseProfileOrThrow(await env.readText(`config/profiles/${PROFILE}.yaml`), PROFILE);
  const figures: Record<string, number> = {};
  const bars = [];
  for (const way of WAYS) {
    const desk = new SessionDesk(way, profile, env.seed);
    for (const [state, most] of [
      ['Cold', way.coldMax],
      ['Warm', way.warmMax],
    ] as const) {
      const { roundTrips, octetsUp, octetsDown, least } = await desk.job();
      figures[`${way.name}${state}RoundTrips`] = roundTrips;
      figures[`${way.name}${state}Bytes`] = octetsUp + octetsDown;
      env.progress(`session: ${way.name} ${state}: ${roundTrips} round trips, ${octetsUp} + ${octetsDown} octets`);
      if (most !== undefined) bars.push(atMost(`${way.name}, ${state.toLowerCase()}, round trips`, roundTrips, most));
      if (way.hdlc?.informationBytes === 128)
        bars.push(atMost(`${way.name}, ${state.toLowerCase()}, what the window allows`, roundTrips, least));
    }
  }
  return { figures, bars };
}

/** A meter and what is remembered of it from one job to the next. */
export class SessionDesk {
  /** Keys of the meter, which are nobody's: for whoever explains what was recorded. */
  readonly keyHex: { readonly encryption: string; readonly authentication: string };
  readonly #known = new KnownMeters();
  readonly #random: SeededRandom;
  readonly #model: MeterModel;
  readonly #keys: { readonly encryption: SecretKey; readonly authentication: SecretKey };
  readonly #own = CounterSender.unreserved(1);
  readonly #meters = CounterSender.unreserved(1);
  readonly #ownSeen = new CounterReceiver();
  readonly #metersSeen = new CounterReceiver();

  constructor(
    private readonly way: Way,
    profile: ReturnType<typeof parseProfileOrThrow>,
    seed: number,
  ) {
    this.#random = new SeededRandom(seed);
    const device = { profile, meterId: 'bench', serial: '10000001', seed: String(seed), timeZone: 'Europe/Berlin' };
    this.#model = new MeterModel(new Device({ ...device, nowMs: () => NOW_MS, installedAtMs: NOW_MS - 30 * DAY_MS }));
    const [encryption, authentication] = [this.#random.bytes(KEY_OCTETS), this.#random.bytes(KEY_OCTETS)];
    this.keyHex = { encryption: toHex(encryption), authentication: toHex(authentication) };
    this.#keys = { encryption: new SecretKey(encryption), authentication: new SecretKey(authentication) };
  }

  /** One association, from the first octet to the last; `heard` gets what each side said. */
  async job(heard: Heard = () => undefined): Promise<Traffic> {
    const traffic: Traffic = { roundTrips: 0, octetsUp: 0, octetsDown: 0, least: 0, heard };
    const policy = { requests: PROTECTED, responses: PROTECTED };
    const shared = { suite: 0, keys: this.#keys, policy } as const;
    const [clientTransport, serverTransport] = transportsOf(this.way, traffic);
    const security = { ...shared, clientTitle: CLIENT_TITLE, counter: this.#meters, clientCounter: this.#ownSeen };
    const server = new ServerSession(serverTransport, {
      model: this.#model,
      clients: [{ sap: SAP, authentication: { mechanism: 'hls-gmac' }, security }],
      systemTitle: METER_TITLE,
      random: (count) => this.#random.bytes(count),
    });
    const { clientPduMaxBytes, listItemsMax } = this.way;
    const session = await openSession(new CountedLine(server, traffic), clientTransport, {
      authentication: { mechanism: 'hls-gmac', challenge: this.#random.bytes(CHALLENGE_OCTETS) },
      security: {
        ...shared,
        clientTitle: CLIENT_TITLE,
        serverTitle: METER_TITLE,
        counter: this.#own,
        serverCounter: this.#metersSeen,
      },
      ...(clientPduMaxBytes === undefined ? {} : { clientPduMaxBytes }),
      ...(listItemsMax === undefined ? {} : { listItemsMax }),
    });
    const reader = new MeterReader(session, { id: 'bench', model: PROFILE, client: SAP }, this.#known);
    const registers = REGISTERS.map((instanceId) => ({ classId: 3, instanceId, attributeId: 2 }));
    const answer = await reader.read({
      values: [CLOCK, ...registers],
      buffers: [{ instanceId: BUFFER, access: day() }],
    });
    const view = await reader.view();
    await session.release();
    checkAnswer(answer, view.length);
    return traffic;
  }
}

function checkAnswer({ values, buffers }: Awaited<ReturnType<MeterReader['read']>>, objects: number): void {
  assert(objects >= OBJECTS_MIN, `the view has ${objects} objects`);
  assert(
    values.slice(1).every(({ result, scalerUnit }) => 'data' in result && scalerUnit !== null),
    'four values',
  );
  const [buffer] = buffers;
  const rows = buffer !== undefined && 'data' in buffer.result ? buffer.result.data : null;
  assert(rows?.type === 'array' && rows.value.length === ROWS && buffer?.columns?.length === 7, 'a day of rows');
}

function day() {
  const moment = (utcMs: number) => dateTimeData(dateTimeOfUtcMs(utcMs, { deviation: 0 }));
  const from = moment(NOW_MS - DAY_MS + 1_000);
  return rangeAccess({ restricting: { ...CLOCK, dataIndex: 0 }, from, to: moment(NOW_MS), columns: [] });
}

function transportsOf({ hdlc }: Way, traffic: Traffic): [ClientTransport, ServerTransport] {
  if (hdlc === null)
    return [new Tapped(new WrapperClient({ client: SAP, server: 1 }), traffic, null), new WrapperServer()];
  const { informationBytes, window } = hdlc;
  const parameters = {
    informationTransmitBytes: informationBytes,
    informationReceiveBytes: informationBytes,
    windowTransmit: window,
    windowReceive: window,
  };
  traffic.least += LINK_ROUND_TRIPS;
  const client = new HdlcClient({ client: SAP, server: serverAddress(1, PHYSICAL), parameters });
  return [new Tapped(client, traffic, hdlc), new HdlcServer({ physicalDevice: PHYSICAL, parameters })];
}

/** SNRM and DISC. */
const LINK_ROUND_TRIPS = 2;
const LLC_OCTETS = 3;

/** A transport that reckons from each APDU how many round trips its segments need at least. */
class Tapped implements ClientTransport {
  readonly reliable: boolean;
  readonly maxInFlight: number;

  constructor(
    private readonly inner: ClientTransport,
    private readonly traffic: Traffic,
    private readonly hdlc: Way['hdlc'],
  ) {
    this.reliable = inner.reliable;
    this.maxInFlight = inner.maxInFlight;
  }

  #windows(octets: number): number {
    return this.hdlc === null
      ? 1
      : Math.ceil(Math.ceil((octets + LLC_OCTETS) / this.hdlc.informationBytes) / this.hdlc.window);
  }

  /** The last window of a question and the first one of its answer share a round trip. */
  send(apdu: Uint8Array, nowMs: number): void {
    this.traffic.least += this.#windows(apdu.length);
    this.inner.send(apdu, nowMs);
  }

  receive(chunk: Uint8Array, nowMs: number): TransportEvent[] {
    const events = this.inner.receive(chunk, nowMs);
    for (const event of events) if (event.kind === 'apdu') this.traffic.least += this.#windows(event.apdu.length) - 1;
    return events;
  }

  connect(nowMs: number): void {
    this.inner.connect(nowMs);
  }

  disconnect(nowMs: number): void {
    this.inner.disconnect(nowMs);
  }

  takeOutput(): Uint8Array[] {
    return this.inner.takeOutput();
  }

  deadlineMs(): number | null {
    return this.inner.deadlineMs();
  }

  tick(nowMs: number): TransportEvent[] {
    return this.inner.tick(nowMs);
  }
}

/** A line in memory on which time stands still: whoever is spoken to answers at once. */
class CountedLine implements MachineRunner {
  constructor(
    private readonly server: Machine<unknown>,
    private readonly traffic: Traffic,
  ) {}

  run<Event>(machine: Machine<Event>, onEvents: (events: Event[]) => void): RunningMachine {
    let runs = true;
    const tell = (events: Event[]) => {
      if (runs && events.length > 0) onEvents(events);
    };
    const kick = () => {
      for (let step = 0; step < STEPS_MAX; step++) {
        if (machine.deadlineMs() === 0) tell(machine.tick(0));
        const asked = machine.takeOutput();
        if (asked.length === 0) return;
        for (const octets of asked) {
          this.traffic.octetsUp += octets.length;
          this.traffic.heard('client', octets);
          this.server.receive(octets, 0);
        }
        const answered = this.server.takeOutput();
        if (answered.length > 0) this.traffic.roundTrips++;
        for (const octets of answered) {
          this.traffic.octetsDown += octets.length;
          this.traffic.heard('server', octets);
          tell(machine.receive(octets, 0));
        }
      }
      throw new Error('the line never rests');
    };
    return { nowMs: () => 0, kick, stop: () => (runs = false) };
  }
}

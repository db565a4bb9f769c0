/**
 * The concentrator: the one place where its actors are created, joined, started and stopped.
 *
 * readers and listeners -> stage -> journal -> uplink; commands -> scheduler -> readers; everyone -> health. A stop lets
 * running jobs end for a few seconds, stores what is staged, and says goodbye to meters and broker.
 */

import { toHex } from '../base/bytes.ts';
import type { Env, Listener, Timer } from '../base/env.ts';
import { hasCode, reasonOf } from '../base/errors.ts';
import { type ServiceManager, Watchdog } from '../base/watchdog.ts';
import { type LineLink, type PlainProtocol, plainProtocolOf } from '../link/link.ts';
import type { MeterId } from '../model/ids.ts';
import { planJobs, type ReadJob } from '../profile/plan.ts';
import { Commands } from './commands/commands.ts';
import { EdgeClock } from './edge-clock.ts';
import { Gateway } from './gateway/gateway.ts';
import { EdgeHealth } from './health/health.ts';
import { answerHealth } from './health/http.ts';
import { Pulse } from './health/pulse.ts';
import { HorizonWatch } from './horizon-watch.ts';
import { ImageFetcher } from './images/image-fetcher.ts';
import { ImageStore } from './images/image-store.ts';
import { Stage } from './journal/stage.ts';
import { openEdgeJournal, tellLostPushes, tellRoom, wantFreshJournal } from './journal-keeper.ts';
import { ADOPTION_SETTLE_MS, STOP_PATIENCE_MS } from './limits.ts';
import type { LineSettings } from './line-settings.ts';
import { linkMemoryOf } from './networks/link-memory.ts';
import { Networks } from './networks/networks.ts';
import type { Journal, Meter, UplinkState } from './ports.ts';
import { AsciiWay } from './reader/ascii-reader.ts';
import { CounterNotes } from './reader/counter-notes.ts';
import { MeterCounters } from './reader/counters.ts';
import { KeyRing } from './reader/key-ring.ts';
import { KnownWays } from './reader/known-ways.ts';
import { DlmsLineReader } from './reader/line-reader.ts';
import { PushListener } from './reader/listener.ts';
import { MBUS_WAY } from './reader/mbus-reader.ts';
import { MODBUS_WAY } from './reader/modbus-reader.ts';
import { PlainLineReader } from './reader/plain-reader.ts';
import type { PlainWay } from './reader/plain-way.ts';
import { servesReread } from './reader/rereads.ts';
import { LinkSessions } from './reader/sessions.ts';
import { RereadOrders } from './rereads/orders.ts';
import { Scheduler } from './scheduler/scheduler.ts';
import type { EdgeSettings } from './settings.ts';
import { runsOf } from './site-runs.ts';
import { Uplink } from './uplink/uplink.ts';
import { wireCodec } from './uplink/wire-codec.ts';

const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id';
const BOOT_ID_OCTETS = 8;

/** A running concentrator. */
export class Concentrator {
  readonly health: EdgeHealth;
  readonly journal: Journal;
  readonly #env: EdgeEnv;
  readonly #settings: EdgeSettings;
  readonly #stage: Stage;
  readonly #scheduler: Scheduler;
  readonly #uplink: Uplink;
  readonly #commands: Commands;
  readonly #images: ImageFetcher;
  readonly #rereads: RereadOrders;
  readonly #readers: (DlmsLineReader | PlainLineReader)[] = [];
  readonly #listeners: PushListener[] = [];
  readonly #networks: Networks;
  readonly #counters: MeterCounters;
  readonly #keys: KeyRing;
  readonly #ways: KnownWays;
  readonly #horizon: HorizonWatch;
  readonly #gateway: Gateway | null;
  readonly #startedAtMs: number;
  /** Resolves when the collector holds other blocks than the journal, or the journal was damaged while open: only {@link renounce} and a new start help. */
  readonly diverged: Promise<void>;
  #tellDiverged: () => void = () => undefined;
  /** Resolves when meters were taken in that are read only after a new start: {@link stop}, the settings resolved anew, and start. */
  readonly reconfigured: Promise<void>;
  #tellReconfigured: () => void = () => undefined;
  #reconfiguring: Timer | null = null;
  #http: Listener | null = null;
  #watchdog: Watchdog | null = null;

  private constructor(env: EdgeEnv, settings: EdgeSettings, health: EdgeHealth, journal: Journal, boot: BootId) {
    this.#env = env;
    this.#settings = settings;
    this.health = health;
    this.journal = journal;
    this.#startedAtMs = env.clock.monotonicMs();
    this.diverged = new Promise((resolve) => {
      this.#tellDiverged = resolve;
    });
    this.reconfigured = new Promise((resolve) => {
      this.#tellReconfigured = resolve;
    });
    this.#stage = new Stage({
      journal,
      timers: env.timers,
      clock: env.clock,
      flushAfterMs: settings.flushAfterMs,
      failed: (error) => this.#journalFailed(error),
      stored: (rows) => health.count('rows_stored', rows),
      lost: (rows) => tellLostPushes(health, rows),
    });
    journal.onAppend(() => health.state('journal', 'ok', 'The journal stores what is read.'));
    const watermark: Stage['watermark'] = (meterId, key) => this.#stage.watermark(meterId, key);
    this.#scheduler = new Scheduler({ env, health, watermark, rested: () => this.#stage.rest() });
    this.#uplink = this.#makeUplink(boot);
    this.#images = new ImageFetcher({
      env,
      store: new ImageStore(env, `${settings.stateFolder}/images`),
      ask: (request) => this.#uplink.askImage(request),
    });
    this.#rereads = new RereadOrders({
      journal,
      health,
      clock: env.clock,
      log: env.log,
      isServed: ({ meterId, ...order }) =>
        rereadableBuffers(meterOf(settings, meterId)).some((rule) => servesReread(rule, order)),
      tell: (results) => this.#uplink.tellRereads(results),
    });
    this.#commands = new Commands({
      env,
      journal,
      health,
      edgeId: settings.enrolment.edgeId,
      publicKey: settings.enrolment.commandPublicKey,
      limits: settings.limits,
      dispatcher: this.#scheduler,
      collectorTime: this.#uplink.collectorTime,
      relaySettleMs: settings.relaySettleMs,
      images: this.#images,
      orderValidityMs: settings.orderValidityMs,
      plainRelay: settings.plainRelay ?? 'allow',
      ...(settings.adopting === undefined ? {} : { adopting: settings.adopting }),
      adopted: () => this.#reconfigureSoon(),
    });
    const notes = new CounterNotes({ env, health, path: `${settings.stateFolder}/counters` });
    this.#counters = new MeterCounters(journal, env.clock, notes);
    this.#ways = new KnownWays({ env, journal, stage: this.#stage });
    const meters = settings.lines.flatMap((line) => line.meters);
    this.#keys = new KeyRing({ env, health, stage: this.#stage, folder: `${settings.stateFolder}/keys`, meters });
    const returned = (meterId: MeterId) => this.#scheduler.returned(meterId);
    this.#networks = new Networks({ env, journal, health, stage: this.#stage, returned });
    for (const line of settings.lines) this.#addLine(line);
    this.#horizon = new HorizonWatch({
      env,
      health,
      stage: this.#stage,
      meters: settings.lines.flatMap(({ link, meters }) => (link.purpose === 'ask' ? meters : [])),
      nowMs: () => (env.clock.quality() === 'unset' ? null : env.clock.nowMs()),
    });
    const { gateway } = settings;
    this.#gateway = gateway && new Gateway({ env, health, settings: gateway, dispatcher: this.#scheduler });
  }

  /**
   * Opens the journal and starts all actors; `service` hears when they run, and that they move. Rejects with JOURNAL_* errors,
   * or when the health port is taken.
   */
  static async start(host: Env, settings: EdgeSettings, service: ServiceManager | null = null): Promise<Concentrator> {
    const clock = new EdgeClock(host.clock);
    const env: EdgeEnv = { ...host, clock };
    const health = new EdgeHealth(() => env.clock.nowMs());
    await env.disk.makeFolder(settings.stateFolder);
    const journal = await openEdgeJournal(env, settings, health, () => clock.quality());
    clock.isAfter(journal.confirmedAtMs());
    const concentrator = new Concentrator(env, settings, health, journal, await bootIdOf(env));
    clock.follow(concentrator.#uplink.collectorTime);
    try {
      await concentrator.#start();
      if (service !== null) concentrator.#watch(service);
    } catch (error) {
      await concentrator.stop();
      throw error;
    }
    return concentrator;
  }

  /** Where the uplink stands. */
  uplinkState(): UplinkState {
    return this.#uplink.state();
  }

  /** Address of the health pages, or null when there are none. */
  get healthAddress(): { readonly host: string; readonly port: number } | null {
    return this.#http;
  }

  /** Address of the gateway, or null when there is none. */
  get gatewayAddress(): { readonly host: string; readonly port: number } | null {
    return this.#gateway?.address ?? null;
  }

  /** Stores what is staged, whatever its age. */
  flush(): Promise<void> {
    return this.#stage.flush();
  }

  /** Ends everything, and lets the next start begin a fresh journal, which is filled from this one and the meters. */
  async renounce(): Promise<void> {
    await wantFreshJournal(this.#env, this.#settings);
    await this.stop();
  }

  /** Ends everything in order; what was read is stored when it resolves. */
  async stop(): Promise<void> {
    const env = this.#env;
    this.#watchdog?.stop();
    this.#horizon.stop();
    this.#reconfiguring?.cancel();
    await this.#networks.stop();
    await this.#http?.close();
    await this.#gateway?.stop();
    const ended = this.#scheduler.stop().then(() => true);
    const commandsEnded = this.#commands.stop();
    const inTime = await Promise.race([ended, env.timers.sleep(STOP_PATIENCE_MS).then(() => false)]);
    await Promise.all(this.#readers.map((reader) => reader.stop(inTime)));
    await Promise.all(this.#listeners.map((listener) => listener.stop()));
    await Promise.all([ended, commandsEnded]);
    await this.#stage.flush().catch((error: unknown) => this.#journalFailed(error));
    await this.#uplink.stop();
    await this.journal.close();
    env.log.info('concentrator.stopped', { edgeId: this.#settings.enrolment.edgeId });
  }

  #watch(service: ServiceManager): void {
    const { clock, timers, log } = this.#env;
    const pulse = new Pulse({ clock, journal: this.journal, lineStillMs: () => this.#scheduler.stillMs() });
    this.#watchdog = new Watchdog(
      service,
      timers,
      () => pulse.stuck(),
      (reason) => log.error('concentrator.stuck', { reason }),
    );
    this.#watchdog.start();
  }

  #makeUplink(boot: BootId): Uplink {
    const { enrolment, software, broker, spreadMs } = this.#settings;
    const env = this.#env;
    const identity = {
      edgeId: enrolment.edgeId,
      key: enrolment.key,
      epoch: this.journal.epoch,
      bootId: boot.hex,
      software,
      clockQuality: () => env.clock.quality(),
    };
    return new Uplink({
      env,
      journal: this.journal,
      health: this.health,
      codec: wireCodec(identity, env.crypto),
      broker,
      spreadMs,
      bootId: boot.known ? boot.hex : undefined,
      facts: () => this.health.facts(),
      diverged: () => this.#tellDiverged(),
    });
  }

  #addLine(line: LineSettings): void {
    const env = this.#env;
    const common = { env, line: line.id, stage: this.#stage, journal: this.journal, health: this.health };
    const { link } = line;
    if (link.purpose === 'push') {
      const { meters, sampleMs } = line;
      if (meters.length > 0)
        this.#listeners.push(new PushListener({ ...common, meters, link, sampleMs, counters: this.#counters }));
      return;
    }
    link.remember?.(linkMemoryOf({ env, journal: this.journal, stage: this.#stage, line: line.id }));
    for (const { seat, meters } of seatsOf(line)) this.#seat(line, link as LineLink, seat, meters);
    if (link.watch !== undefined) this.#networks.add(line, link as LineLink);
  }

  /** A reader with a runner of its own for some meters of a line: there it is one thing at a time. */
  #seat(line: LineSettings, link: LineLink, seat: string, meters: readonly Meter[]): void {
    const env = this.#env;
    const nowMs = () => (env.clock.quality() === 'unset' ? null : env.clock.nowMs());
    const common = {
      env,
      line: line.id,
      stage: this.#stage,
      journal: this.journal,
      health: this.health,
      meters,
      nowMs,
    };
    const plain = plainProtocolOf(link);
    const reader =
      plain !== null
        ? new PlainLineReader({
            ...common,
            link,
            way: this.#wayOf(plain),
            permanentAfterMs: this.#settings.permanentAfterMs,
          })
        : new DlmsLineReader({
            ...common,
            seat,
            rereads: this.#rereads,
            opener: new LinkSessions(link, env, this.#counters, this.#keys, this.#ways),
            slots: 1,
            carries: link,
            clock: this.#settings.clock,
            permanentAfterMs: this.#settings.permanentAfterMs,
            isConfirmed: () => env.clock.quality() === 'collector',
            historyMs: this.#settings.historyMs,
          });
    this.#readers.push(reader);
    this.#scheduler.addLine(seat, reader);
    for (const meter of meters) {
      const { meterId, profile } = meter;
      const timingOf = (job: ReadJob) => this.#settings.plan.timingOf(meter, job);
      this.#scheduler.addMeter(seat, meterId, planJobs(profile), profile.firmware, timingOf);
    }
  }

  #wayOf(protocol: PlainProtocol): PlainWay {
    switch (protocol) {
      case 'mbus':
        return MBUS_WAY;
      case 'ascii':
        return new AsciiWay(this.#settings.historyMs);
      case 'modbus':
        return MODBUS_WAY;
    }
  }

  /** Meters that are taken in one after the other cost one new start. */
  #reconfigureSoon(): void {
    this.#reconfiguring?.cancel();
    this.#reconfiguring = this.#env.timers.after(ADOPTION_SETTLE_MS, () => {
      this.#env.log.info('concentrator.reconfigured', { edgeId: this.#settings.enrolment.edgeId });
      this.#tellReconfigured();
    });
  }

  async #start(): Promise<void> {
    const { health, limitsProblem, enrolment, lines } = this.#settings;
    this.health.state('journal', 'ok', 'The journal is open.');
    tellRoom(this.journal, this.health);
    const untaken = this.#settings.adoptedProblems ?? [];
    if (untaken.length > 0) this.health.state('adopted meters', 'degraded', untaken.join('; '));
    if (limitsProblem !== null) this.health.state('limits', 'degraded', limitsProblem);
    if (health !== null) {
      this.#http = await this.#env.net.serveHttp(health.host, health.port, (path) =>
        Promise.resolve(this.#answer(path)),
      );
    }
    for (const reader of this.#readers) await reader.start();
    for (const listener of this.#listeners) await listener.start();
    await this.#networks.start();
    await this.#commands.start();
    await this.#rereads.start();
    await this.#uplink.start({
      command: (command, signature) => this.#commands.receive(command, signature),
      image: (part) => this.#images.heard(part),
      rereads: (orders) => this.#rereads.receive(orders),
      opened: () => this.#commands.opened(),
    });
    this.#scheduler.start();
    this.#horizon.start();
    await this.#gateway?.start();
    const meters = lines.reduce((sum, line) => sum + line.meters.length, 0);
    this.#env.log.info('concentrator.started', {
      edgeId: enrolment.edgeId,
      epoch: this.journal.epoch,
      lines: lines.length,
      meters,
      healthPort: this.#http?.port,
    });
  }

  #answer(path: string) {
    for (const span of this.journal.lanes()) {
      this.health.gauge(`lane_${span.lane}_pending_octets`, span.pendingOctets);
      this.health.gauge(`lane_${span.lane}_pending_blocks`, span.pendingBlocks);
    }
    tellRoom(this.journal, this.health);
    this.#env.clock.tell(this.health);
    const uplink = this.#uplink.state();
    this.health.gauge('uplink_connected', uplink.connected ? 1 : 0);
    this.health.gauge('uplink_session_open', uplink.sessionOpen ? 1 : 0);
    this.health.gauge('uplink_outstanding_octets', uplink.outstandingOctets);
    this.health.gauge('uplink_mqtt_octets', uplink.mqttOctets);
    const { enrolment, software } = this.#settings;
    const uptimeS = Math.floor((this.#env.clock.monotonicMs() - this.#startedAtMs) / 1000);
    const plan = () => runsOf(this.#settings, this.#env.clock.nowMs());
    const facts = { edgeId: enrolment.edgeId, software, uptimeS, plan };
    return answerHealth(path, this.health, facts, this.#networks.books);
  }

  #journalFailed(error: unknown): void {
    this.health.count('journal_failures');
    // What was damaged while it was open is set aside by opening it anew.
    if (hasCode(error, 'JOURNAL_CORRUPT')) this.#tellDiverged();
    this.health.state('journal', 'failed', reasonOf(error));
    this.#env.log.error('journal.flush-failed', { reason: reasonOf(error) });
  }
}

/** Buffers of which rows can be ordered again: those that are read in an association. */
function rereadableBuffers(meter: Meter | undefined) {
  return meter === undefined || meter.profile.through === 'ascii' ? [] : meter.profile.buffers;
}

/** A meter that is asked, not one that only tells. */
function meterOf(settings: EdgeSettings, meterId: MeterId): Meter | undefined {
  const asked = settings.lines.filter(({ link }) => link.purpose !== 'push');
  return asked.flatMap((line) => line.meters).find((meter) => meter.meterId === meterId);
}

interface SeatOfLine {
  /** Its name, that of the line where there is one. */
  readonly seat: string;
  readonly meters: readonly Meter[];
}

/** As many seats as the link bears requests at once, its meters dealt out in turn; who hangs behind another sits with it. */
function seatsOf({ id, link, meters }: LineSettings): SeatOfLine[] {
  const count = Math.min(Math.max(1, link.capabilities.maxInFlight), Math.max(1, meters.length));
  if (count === 1) return [{ seat: id, meters }];
  const hosts = [...new Set(meters.map((meter) => meter.behind?.host.meterId ?? meter.meterId))];
  const seatOf = new Map(hosts.map((host, at) => [host, at % count]));
  return Array.from({ length: count }, (_, seat) => ({
    seat: `${id}/${seat + 1}`,
    meters: meters.filter((meter) => seatOf.get(meter.behind?.host.meterId ?? meter.meterId) === seat),
  }));
}

/** What is around the actors: their time is that of the edge, not the machine's. */
interface EdgeEnv extends Env {
  readonly clock: EdgeClock;
}

interface BootId {
  /** 16 hex digits. */
  readonly hex: string;
  /** The machine told; otherwise it is made up and says nothing. */
  readonly known: boolean;
}

async function bootIdOf(env: Env): Promise<BootId> {
  const octets = await env.disk.readFile(BOOT_ID_FILE).catch(() => undefined);
  if (octets === undefined) return { hex: toHex(env.random.bytes(BOOT_ID_OCTETS)), known: false };
  return { hex: toHex(env.crypto.sha256(octets).subarray(0, BOOT_ID_OCTETS)), known: true };
}

/**
 * The whole system in virtual time: simulated meters, lines, one real concentrator, a memory broker, the real collector on
 * the store in memory. One clock, one seed, one trace: the same seed gives the same run, octet for octet.
 *
 * Plan: meters sit in turn on three kinds of lines: alone behind a socket (wrapper), several behind one socket (HDLC), and
 * on a 9,600 Bd bus. Programs end as real ones do, in order or at once, and start again on the disk that they left.
 * Given up: kills fall between two events, never inside one; the kill and power-cut proofs on real parts cover that.
 */
import { concat } from '../base/bytes.ts';
import { parseConfig } from '../base/config.ts';
import type { Crypto, Timer } from '../base/env.ts';
import { type Collector, startCollector } from '../collector/collector.ts';
import type { RotationGroup } from '../collector/key-schedule.ts';
import { Concentrator } from '../edge/concentrator.ts';
import { EDGE_CONFIG } from '../edge/config.ts';
import { resolveSettings } from '../edge/settings.ts';
import type { LineSource } from '../link/scheme.ts';
import { DEFAULT_TENANT, type EdgeId, type MeterId } from '../model/ids.ts';
import { Ledger } from '../sim/ledger.ts';
import type { PlcHabits } from '../sim/plc/habits.ts';
import { createMemoryCollectorStore, type MemoryCollectorStore } from './memory-collector-store.ts';
import { isClean, type Verdict } from './oracle.ts';
import { MachineClock, MemoryDisk, type VirtualProgram, VirtualWorld } from './virtual-env.ts';
import type { Fault } from './virtual-faults.ts';
import type { SiteLayout } from './virtual-places.ts';
import { keysFileOf, VirtualSite } from './virtual-site.ts';
import { judgeVirtual } from './virtual-verdict.ts';

/** The concentrator of a virtual system. */
export const VIRTUAL_EDGE = 'edge1' as EdgeId;

const TIME_ZONE = 'Europe/Berlin';
const STATE_FOLDER = 'state';
const PASSWORD_FILE = 'meters.password';
const FOLD_PERIOD_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** Longest time in which everything must have arrived once nothing goes wrong any more. */
const SETTLE_MAX_MS = 2 * 86_400_000;
const TERM_OCTETS = 12;

/** What a virtual system is made of. */
export interface VirtualOptions {
  readonly seed: number;
  readonly meters: number;
  /** Profiles that the meters take in turn: key and YAML. */
  readonly profiles: readonly { readonly key: string; readonly text: string }[];
  readonly crypto: Crypto & { signingKeyFrom(seed: Uint8Array): ReturnType<Crypto['newSigningKey']> };
  /** Days of history in the meters at the start, default none. */
  readonly days?: number;
  /** When the world begins, UTC ms; absent = as worlds do. */
  readonly startMs?: number;
  /** IANA zone of the site and of its meters' clocks; absent = Europe/Berlin. */
  readonly timeZone?: string;
  /** How far the clock of the edge's machine is from the world's when it starts for the first time, ms. */
  readonly edgeAheadMs?: number;
  /** What the clock of the edge's machine says after a loss of power, UTC ms: it has no clock of its own. Absent = it goes on. */
  readonly edgeBootsAtMs?: number;
  /** Whether meters tell their events to who is associated; absent = they stand in their logs. */
  readonly tellsEvents?: boolean;
  /** `sampleS` of lines on which meters speak by themselves; absent = 0, which is what a verdict wants. */
  readonly sampleS?: number;
  /** Whether meters say the time in SML; absent = no, as most. */
  readonly tellsTime?: boolean;
  /** How long there is no broker from the start on, ms; absent = it is there. */
  readonly offlineMs?: number;
  /** How meters are spread over lines; absent = `mixed`. */
  readonly layout?: SiteLayout;
  /** How the network behind a base node is; absent = without any fault. */
  readonly plc?: PlcHabits;
  /** Options of the link to that base node, as `?inflight=2`; absent = none. */
  readonly plcQuery?: string;
  /** Key files of the meters, the same document for both sides, by place in the fleet; absent = passwords. */
  readonly keyFiles?: readonly Readonly<Record<string, unknown>>[];
  /** Meters whose keys the collector changes by schedule; absent = none. */
  readonly rotationGroups?: readonly RotationGroup[];
  /** Share of the messages to all stations that each meter misses; absent = none. */
  readonly broadcastLoss?: number;
  /** Pause of a meter on a bus before its answer, ms; absent = none. */
  readonly turnaroundMs?: number;
  /** Meters of a bus that speak at once spoil each other's octets, as two at one address do; absent = they take turns. */
  readonly busCollides?: boolean;
  /** Files of the edge beside its settings, for their owner only: path and text. */
  readonly edgeFiles?: Readonly<Record<string, string>>;
  /** More settings of the edge. */
  readonly edgeSettings?: Readonly<Record<string, unknown>>;
  readonly showLog?: ConstructorParameters<typeof VirtualWorld>[0]['showLog'];
}

/** A running system. */
export class VirtualSystem {
  readonly world: VirtualWorld;
  readonly site: VirtualSite;
  readonly #options: VirtualOptions;
  readonly #ledgerChunks: Uint8Array[] = [];
  readonly #ledger: Ledger;
  readonly #edgeDisk = new MemoryDisk();
  readonly #edgeClock: MachineClock;
  readonly #timeZone: string;
  readonly #collectorDisk = new MemoryDisk();
  #store: MemoryCollectorStore;
  #edge: { readonly program: VirtualProgram; readonly concentrator: Concentrator | null } | null = null;
  #collector: { readonly program: VirtualProgram; readonly collector: Collector } | null = null;
  /** What is done to edge and collector, one thing after the other. */
  #operations: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | null = null;
  /** Faults that are still going on, with what ends them. */
  readonly #healing = new Map<Timer, () => void>();

  private constructor(options: VirtualOptions) {
    this.#options = options;
    const { seed, crypto, showLog, startMs } = options;
    this.#timeZone = options.timeZone ?? TIME_ZONE;
    this.world = new VirtualWorld({
      seed,
      crypto,
      ...(showLog === undefined ? {} : { showLog }),
      ...(startMs === undefined ? {} : { startMs }),
    });
    this.#edgeClock = new MachineClock(options.edgeAheadMs);
    const clock = { nowMs: () => this.world.nowMs, monotonicMs: () => this.world.clock.nowMs };
    this.#store = createMemoryCollectorStore({ clock, term: this.world.random.bytes(TERM_OCTETS) });
    this.#ledger = new Ledger({
      append: (octets) => {
        this.#ledgerChunks.push(octets.slice());
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    });
    this.site = new VirtualSite(this.world, this.#ledger, { ...options, timeZone: this.#timeZone });
  }

  /** Makes everything and waits until the concentrator runs. */
  static async start(options: VirtualOptions): Promise<VirtualSystem> {
    const system = new VirtualSystem(options);
    if (options.offlineMs !== undefined) system.fault({ kind: 'broker-down', forMs: options.offlineMs });
    system.#operate(async () => {
      await system.site.serve();
      await system.#startCollector();
      await system.#enrol();
      await system.#startEdge();
    });
    await system.run(MINUTE_MS);
    return system;
  }

  /** The concentrator, unless it is just away. */
  get concentrator(): Concentrator | null {
    return this.#edge?.concentrator ?? null;
  }

  /** The collector, unless it is just away. */
  get collector(): Collector | null {
    return this.#collector?.collector ?? null;
  }

  /** The collector's store; another one after it was restored. */
  get store(): MemoryCollectorStore {
    return this.#store;
  }

  /** Lets time pass; throws what a restart threw. */
  async run(durationMs: number): Promise<void> {
    await this.world.clock.advance(durationMs);
    this.#mustBeSound();
  }

  /** Lets something go wrong now; what lasts ends by itself. */
  fault(fault: Fault): void {
    const { world } = this;
    world.trace.note(`${world.clock.nowMs} fault ${JSON.stringify(fault)}`);
    switch (fault.kind) {
      case 'broker-restart':
        world.broker.restart();
        return;
      case 'broker-down':
        world.broker.setUp(false);
        this.#healAfter(fault.forMs, () => world.broker.setUp(true));
        return;
      case 'duplicates':
        world.broker.copies = fault.copies;
        this.#healAfter(fault.forMs, () => {
          world.broker.copies = 1;
        });
        return;
      case 'edge-restart':
        this.#operate(() => this.#restartEdge('stop', 0));
        return;
      case 'edge-kill':
        this.#operate(() => this.#restartEdge('kill', fault.offMs));
        return;
      case 'edge-power-loss':
        this.#operate(() => this.#restartEdge('power-loss', fault.offMs));
        return;
      case 'edge-clock-jump':
        this.#edgeClock.aheadMs += fault.byMs;
        return;
      case 'edge-clock-set':
        this.#edgeClock.aheadMs = fault.aheadMs;
        return;
      case 'collector-restart':
        this.#operate(() => this.#restartCollector('stop', 0));
        return;
      case 'collector-kill':
        this.#operate(() => this.#restartCollector('kill', fault.offMs));
        return;
      case 'collector-restored':
        this.#operate(() => this.#restoreCollector(fault.lostMs));
        return;
      case 'blocks-unreadable':
        this.store.makeUnreadable(fault.count);
        return;
      case 'edge-replaced':
        this.#operate(() => this.#restartEdge('replaced', fault.offMs));
        return;
      case 'meter':
        this.site.misbehave(fault.meter, fault.how);
        this.#healAfter(fault.forMs, () => this.site.misbehave(fault.meter, null));
        return;
      case 'line-cut':
        this.site.cut(fault.line);
        this.#healAfter(fault.forMs, () => this.site.mend(fault.line));
        return;
      case 'line-noise':
        this.site.disturb(fault.line, fault.faults);
        this.#healAfter(fault.forMs, () => this.site.disturb(fault.line, {}));
        return;
    }
  }

  /**
   * Ends every fault and waits until all that the meters have produced until now is acknowledged; false when that takes
   * longer than two days.
   */
  async settle(): Promise<boolean> {
    for (const [timer, heal] of this.#healing) {
      timer.cancel();
      heal();
    }
    this.#healing.clear();
    const untilMs = this.world.nowMs;
    const deadlineMs = this.world.clock.nowMs + SETTLE_MAX_MS;
    while (!this.#isSettled(untilMs)) {
      if (this.world.clock.nowMs > deadlineMs) return false;
      await this.run(MINUTE_MS);
    }
    return true;
  }

  /** The full outer join of ledger and store over everything up to `untilMs`, default now, of some meters, default all. */
  async verdict(untilMs = this.world.nowMs, meters?: ReadonlySet<number>): Promise<Verdict> {
    this.site.record();
    await this.#ledger.flush();
    const isJudged = (meterId: string) =>
      meters === undefined || meters.has(this.site.meters.findIndex(({ device }) => device.meterId === meterId));
    return judgeVirtual(concat(this.#ledgerChunks), this.store, { untilMs, isJudged });
  }

  /** Settles, then compares everything produced before; a run that never settles has lost something. */
  async settledVerdict(): Promise<Verdict & { readonly settled: boolean; readonly clean: boolean }> {
    const untilMs = this.world.nowMs;
    const settled = await this.settle();
    const verdict = await this.verdict(untilMs);
    return { ...verdict, settled, clean: settled && isClean(verdict) };
  }

  /** Ends edge and collector in order. */
  async stop(): Promise<void> {
    this.#operate(async () => {
      await this.#edge?.concentrator?.stop();
      await this.#collector?.collector.stop();
    });
    await this.run(2 * MINUTE_MS);
  }

  #isSettled(untilMs: number): boolean {
    const journal = this.#edge?.concentrator?.journal;
    if (journal === undefined) return false;
    if (journal.lanes().some((lane) => lane.pendingBlocks > 0)) return false;
    return this.site.meters.every(({ device }) =>
      device.profile.buffers.every((rule) => {
        const mark = journal.watermark(device.meterId as MeterId, rule.obis);
        const next = device.ends(rule, mark ?? Number.NEGATIVE_INFINITY).next();
        return next.done === true || next.value > untilMs;
      }),
    );
  }

  #operate(operation: () => Promise<void>): void {
    this.#operations = this.#operations.then(operation).catch((error: unknown) => {
      this.#failure ??= { error };
    });
  }

  #mustBeSound(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  #healAfter(forMs: number, heal: () => void): void {
    const timer = this.world.clock.after(forMs, () => {
      this.#healing.delete(timer);
      heal();
    });
    this.#healing.set(timer, heal);
  }

  async #startCollector(): Promise<void> {
    const program = this.world.program('collector', this.#collectorDisk);
    const broker = {
      kind: 'external',
      connection: { url: 'mqtt://localhost', clientId: 'collector' },
      edgesUrl: 'mqtt://localhost',
    } as const;
    const rotationGroups = this.#options.rotationGroups ?? [];
    const settings = { keysFolder: 'keys', broker, foldPeriodMs: FOLD_PERIOD_MS, rotationGroups };
    this.#collector = { program, collector: await startCollector(program.env, this.store, settings) };
  }

  /** Registers edge and meters as an operator would, and writes the edge's files. */
  async #enrol(): Promise<void> {
    const enrolment = await this.#collector?.collector.enroller.adopt(VIRTUAL_EDGE, DEFAULT_TENANT, 'virtual');
    await this.#bringInMeters();
    const write = (path: string, text: string) => this.#edgeDisk.writeFile(path, new TextEncoder().encode(text));
    await write('enrolment.json', JSON.stringify(enrolment));
    await write(PASSWORD_FILE, this.site.password);
    for (const [meterId, keys] of this.site.keyFiles) await write(keysFileOf(meterId), JSON.stringify(keys));
    for (const { key, text } of this.#options.profiles) await write(`profiles/${key}.yaml`, text);
    for (const [path, octets] of Object.entries(this.#options.edgeFiles ?? {}))
      await this.#edgeDisk.writeFile(path, new TextEncoder().encode(octets), 0o600);
    const settings = {
      stateFolder: STATE_FOLDER,
      enrolmentFile: 'enrolment.json',
      profilesFolder: 'profiles',
      timeZone: this.#timeZone,
      lines: this.site.settingsOfLines(PASSWORD_FILE),
      ...this.#options.edgeSettings,
    };
    // JSON is YAML.
    await write('edge.yaml', JSON.stringify(settings));
  }

  async #bringInMeters(): Promise<void> {
    for (const { device } of this.site.meters) {
      const meterId = device.meterId as MeterId;
      await this.#store.saveMeter({ meterId, tenantId: DEFAULT_TENANT });
      await this.#store.placeMeter(meterId, VIRTUAL_EDGE, 0);
    }
  }

  async #startEdge(): Promise<void> {
    const program = this.world.program('edge', this.#edgeDisk, this.#edgeClock);
    const { env } = program;
    this.#edge = { program, concentrator: null };
    const octets = await env.disk.readFile('edge.yaml');
    const parsed = parseConfig(EDGE_CONFIG, new TextDecoder().decode(octets));
    if (!parsed.ok) throw new Error(parsed.problems.map(({ path, sentence }) => `${path}: ${sentence}`).join('; '));
    const lines: LineSource = this.site.lines;
    const around = { env, linkEnv: { ...env, lines }, profilesFolder: 'profiles', software: 'deltawatt virtual' };
    const settings = await resolveSettings(parsed.config, around);
    const concentrator = await Concentrator.start(env, settings);
    this.#edge = { program, concentrator };
    void concentrator.reconfigured.then(() => {
      if (this.#edge?.concentrator === concentrator) this.#operate(() => this.#restartEdge('stop', 0));
    });
  }

  async #restartEdge(how: 'stop' | 'kill' | 'power-loss' | 'replaced', offMs: number): Promise<void> {
    const edge = this.#edge;
    if (how === 'stop') await edge?.concentrator?.stop();
    edge?.program.kill();
    this.site.hangUp();
    this.#edge = null;
    if (how === 'power-loss') this.#edgeDisk.crash();
    if (how === 'replaced') this.#edgeDisk.forget(STATE_FOLDER);
    await this.world.clock.sleep(offMs);
    const { edgeBootsAtMs } = this.#options;
    if (how === 'power-loss' && edgeBootsAtMs !== undefined) this.#edgeClock.aheadMs = edgeBootsAtMs - this.world.nowMs;
    await this.#startEdge();
  }

  async #restartCollector(how: 'stop' | 'kill', offMs: number): Promise<void> {
    const running = this.#collector;
    this.#collector = null;
    if (how === 'stop') await running?.collector.stop();
    running?.program.kill();
    // A dead collector hears of no change: its listener at the store is still there, its connections are not.
    if (how === 'kill') {
      running?.collector.desk.close();
      void running?.collector.intake.close();
    }
    await this.world.clock.sleep(offMs);
    await this.#startCollector();
  }

  async #restoreCollector(lostMs: number): Promise<void> {
    const running = this.#collector;
    this.#collector = null;
    running?.program.kill();
    running?.collector.desk.close();
    void running?.collector.intake.close();
    this.#store = this.#store.restored({
      term: this.world.random.bytes(TERM_OCTETS),
      untilMs: this.world.nowMs - lostMs,
    });
    await this.#bringInMeters();
    await this.#startCollector();
  }
}

/**
 * The collector: the one place where its rooms are created, joined, started and stopped.
 *
 * Order of the start: keys, broker, ingest, desk, API; of the stop: the reverse, so that nothing new comes in while what
 * is under way ends. The store comes in ready, since a private PostgreSQL outlives a restart of the collector.
 */
import type { Env, MqttOptions, Timer } from '../base/env.ts';
import { reasonOf } from '../base/errors.ts';
import { type Api, createApi } from './api/server.ts';
import { type Auth, createAuth } from './auth/auth.ts';
import { type Broker, type BrokerTls, startBroker } from './broker/broker.ts';
import { createEnroller } from './broker/enroller.ts';
import { createDesk, type RunningDesk } from './commands/desk.ts';
import { type CollectorKeys, loadKeys } from './commands/keys.ts';
import { KeyRotations } from './commands/rotations.ts';
import { createCommissioner } from './commissioning/commissioner.ts';
import { Intake } from './commissioning/intake.ts';
import type { Commissioner } from './commissioning-ports.ts';
import { createImporter } from './import/importer.ts';
import { type Ingest, startIngest } from './ingest/ingest.ts';
import type { RotationGroup } from './key-schedule.ts';
import { FOLD_AGE_MS, FOLD_BLOCKS_MAX, INBOX_MAX, JOURNAL_KEPT_MS } from './limits.ts';
import type { Authenticator, CollectorStore, Enroller, HealthFact } from './ports.ts';
import { createRereadDesk, type RereadDesk } from './rereads/desk.ts';

/** Where concentrators and collector meet. */
export type BrokerChoice =
  | {
      readonly kind: 'embedded';
      readonly host: string;
      readonly port: number;
      readonly tls?: BrokerTls;
      /** As concentrators reach it; default the plain listener. */
      readonly edgesUrl?: string;
      readonly addressConnections?: number;
    }
  | {
      readonly kind: 'external';
      readonly connection: Omit<MqttOptions, 'keepAliveS' | 'connectTimeoutMs'>;
      /** As concentrators reach it. */
      readonly edgesUrl: string;
    };

/** Settings of a running collector; `config.ts` is the file that people write. */
export interface CollectorSettings {
  /** Folder of the keys. */
  readonly keysFolder: string;
  readonly broker: BrokerChoice;
  readonly foldPeriodMs: number;
  /** Keys of meters that are changed by schedule; absent = none. */
  readonly rotationGroups?: readonly RotationGroup[];
  /** Octets that one concentrator may have under way; default that of ingest. */
  readonly creditOctets?: number;
  /** Left out where nobody asks over HTTP, as in the virtual system. */
  readonly api?: {
    readonly host: string;
    readonly port: number;
    readonly tls?: { readonly cert: string; readonly key: string };
    readonly webFolder?: string;
    readonly processMetrics?: boolean;
  };
}

/** A running collector. */
export interface Collector {
  readonly keys: CollectorKeys;
  readonly enroller: Enroller;
  readonly commissioner: Commissioner;
  /** Who decides about meters that concentrators tell of. */
  readonly intake: Pick<Intake, 'close'>;
  readonly desk: RunningDesk;
  readonly ingest: Ingest;
  /** Tokens of people and programs; the demo makes one for its own link. */
  readonly auth: Pick<Authenticator, 'issue' | 'revoke'>;
  readonly api: Api | null;
  /** Address of REST and console; null without an API. */
  readonly url: string | null;
  /** Address of the broker as concentrators reach it. */
  readonly brokerUrl: string;
  /** On a fresh collector: the one-time code for its first administrator. */
  readonly setup: { readonly code: string; readonly expiresAtMs: number } | null;
  /** Folds everything that waits, now. */
  foldNow(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the rooms over a store that is open; a failure stops again what had started. */
export async function startCollector(env: Env, store: CollectorStore, settings: CollectorSettings): Promise<Collector> {
  const running = new RunningCollector(env, store, settings);
  try {
    await running.start();
  } catch (error) {
    await running.stop();
    throw error;
  }
  return running.collector();
}

class RunningCollector {
  readonly #counters = new Map<string, number>();
  #keys: CollectorKeys | null = null;
  #broker: Broker | null = null;
  #ingest: Ingest | null = null;
  #desk: RunningDesk | null = null;
  #rereads: RereadDesk | null = null;
  #rotations: KeyRotations | null = null;
  #commissioner: Commissioner | null = null;
  #intake: Intake | null = null;
  #enroller: Enroller | null = null;
  #auth: Auth | null = null;
  #api: Api | null = null;
  #url: string | null = null;
  #setup: Collector['setup'] = null;
  #foldTimer: Timer | null = null;
  #folding: Promise<void> = Promise.resolve();
  #foldFault = '';
  #stopped = false;

  constructor(
    private readonly env: Env,
    private readonly store: CollectorStore,
    private readonly settings: CollectorSettings,
  ) {}

  async start(): Promise<void> {
    const { env, store, settings } = this;
    await env.disk.makeFolder(settings.keysFolder, 0o700);
    const keys = await loadKeys(env, settings.keysFolder);
    this.#keys = keys;
    if (settings.broker.kind === 'embedded') {
      this.#broker = await startBroker({ env, users: store, store }, settings.broker);
    }
    const ingest = startIngest({
      env,
      store,
      broker: this.#connection(),
      ...(settings.creditOctets === undefined ? {} : { creditOctets: settings.creditOctets }),
      count: (name, by = 1) => this.#counters.set(name, (this.#counters.get(name) ?? 0) + by),
    });
    this.#ingest = ingest;
    const desk = createDesk({ env, store, publisher: ingest, key: keys.command });
    this.#desk = desk;
    this.#rereads = createRereadDesk({ env, store, publisher: ingest });
    this.#rotations = new KeyRotations({ env, store, desk, groups: settings.rotationGroups ?? [] });
    this.#enroller = createEnroller({
      env,
      store,
      users: store,
      disconnect: (edgeId) => this.#broker?.disconnect(edgeId),
      url: this.#edgesUrl(),
      commandPublicKey: keys.command.publicKey,
      limitsPublicKey: keys.limits.publicKey,
    });
    const commissioner = createCommissioner({ env, store, desk });
    this.#commissioner = commissioner;
    this.#intake = new Intake({ env, store, commissioner });
    await this.#startApi(desk, this.#enroller, commissioner);
    this.#planFold();
  }

  async #startApi(desk: RunningDesk, enroller: Enroller, commissioner: Commissioner): Promise<void> {
    const { env, store, settings } = this;
    const auth = createAuth({ env, store });
    this.#auth = auth;
    if (settings.api === undefined) return;
    this.#setup = await auth.newSetupCode();
    this.#api = await createApi(
      {
        env,
        store,
        auth,
        commands: desk,
        enroller,
        importer: createImporter({ env, store, commissioner }),
        ...(this.#rotations === null ? {} : { rotations: this.#rotations }),
        commissioner,
        health: async () => this.#health(),
        facts: async () => this.#facts(),
      },
      settings.api,
    );
    this.#url = (await this.#api.listen()).url;
  }

  #connection(): Omit<MqttOptions, 'keepAliveS' | 'connectTimeoutMs'> {
    const { broker } = this.settings;
    if (broker.kind === 'external') return broker.connection;
    const embedded = this.#broker;
    if (embedded === null) throw new Error('the embedded broker was not started');
    return { url: embedded.url, ...embedded.collector };
  }

  #edgesUrl(): string {
    return this.settings.broker.edgesUrl ?? this.#broker?.url ?? '';
  }

  #planFold(): void {
    if (this.#stopped) return;
    this.#foldTimer = this.env.timers.after(this.settings.foldPeriodMs, () => {
      void this.#keepUp().finally(() => this.#planFold());
    });
  }

  /** Folds what has waited long enough, and forgets blocks that nobody needs any more. */
  async #keepUp(): Promise<void> {
    const nowMs = this.env.clock.nowMs();
    await this.#fold(nowMs - FOLD_AGE_MS);
    try {
      await this.store.prune(nowMs - JOURNAL_KEPT_MS);
    } catch (error) {
      this.env.log.warn('collector.prune-failed', { reason: reasonOf(error) });
    }
  }

  /**
   * Folds until nothing waits, or nothing that was stored before `olderThanMs`; one fold at a time. A failure is said in
   * health and tried again at the next turn.
   */
  #fold(olderThanMs?: number): Promise<void> {
    const options = { maxBlocks: FOLD_BLOCKS_MAX, ...(olderThanMs === undefined ? {} : { olderThanMs }) };
    this.#folding = this.#folding.then(async () => {
      try {
        while (!this.#stopped && (await this.store.fold(options)).blocks > 0);
        this.#foldFault = '';
      } catch (error) {
        this.#foldFault = reasonOf(error);
        this.env.log.error('collector.fold-failed', { reason: this.#foldFault });
      }
    });
    return this.#folding;
  }

  #health(): readonly HealthFact[] {
    const ingest = this.#ingest?.state();
    if (ingest === undefined) return [];
    const { connected, sentence, notSafe, inboxFull } = ingest;
    const way: HealthFact = { subject: 'ingest', state: connected ? 'ok' : 'degraded', sentence };
    const unsafe = notSafe.map((reason): HealthFact => ({ subject: 'database', state: 'failed', sentence: reason }));
    const fold: HealthFact =
      this.#foldFault === ''
        ? { subject: 'fold', state: 'ok', sentence: 'Journal blocks are turned into day blocks.' }
        : {
            subject: 'fold',
            state: 'degraded',
            sentence: `The last fold failed: ${this.#foldFault}. It is tried again.`,
          };
    const inboxWords = `${INBOX_MAX} unknown concentrators wait, and no more are noted: accept or refuse some of them.`;
    const inbox: HealthFact[] = inboxFull ? [{ subject: 'inbox', state: 'degraded', sentence: inboxWords }] : [];
    return [way, ...unsafe, ...inbox, fold];
  }

  #facts(): Readonly<Record<string, number>> {
    const own = {
      ingest_queued_octets: this.#ingest?.state().queuedOctets ?? 0,
      ingest_commit_ms: this.#ingest?.state().commitMs ?? 0,
      broker_sessions: this.#broker?.sessions() ?? 0,
    };
    const counted = [...this.#counters].map(([name, value]) => [`ingest_${name.replace(/\W/g, '_')}_total`, value]);
    return { ...own, ...Object.fromEntries(counted) };
  }

  collector(): Collector {
    const { keys, enroller, desk, ingest, auth, commissioner, intake } = {
      keys: this.#keys,
      commissioner: this.#commissioner,
      intake: this.#intake,
      enroller: this.#enroller,
      desk: this.#desk,
      ingest: this.#ingest,
      auth: this.#auth,
    };
    const isDeskThere = desk !== null && commissioner !== null && intake !== null;
    if (keys === null || enroller === null || !isDeskThere || ingest === null || auth === null) {
      throw new Error('not started');
    }
    return {
      keys,
      enroller,
      commissioner,
      intake,
      desk,
      ingest,
      auth,
      api: this.#api,
      url: this.#url,
      brokerUrl: this.#edgesUrl(),
      setup: this.#setup,
      foldNow: () => this.#fold(),
      stop: () => this.stop(),
    };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#foldTimer?.cancel();
    await this.#api?.close();
    this.#rotations?.close();
    await this.#intake?.close();
    this.#desk?.close();
    await this.#rereads?.close();
    await this.#ingest?.stop();
    await this.#broker?.close();
    await this.#folding;
  }
}

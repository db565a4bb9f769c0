/**
 * A site for commands: real collector on PostgreSQL, embedded broker, simulated meters over TCP, and an edge that can be
 * stopped, started again with other limits, or run as a process of its own and killed.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { parseConfig } from '../../src/base/config.ts';
import { signLimits } from '../../src/edge/commands/limits-document.ts';
import { Concentrator } from '../../src/edge/concentrator.ts';
import { EDGE_CONFIG } from '../../src/edge/config.ts';
import { resolveSettings } from '../../src/edge/settings.ts';
import { createHostEnv } from '../../src/host/env.ts';
import { createProcessHost } from '../../src/host/process.ts';
import { DEMO_EDGE, type Site, type SiteOptions, startSite } from '../../src/lab/demo/site.ts';
import { RestClient } from '../../src/lab/rest-client.ts';
import type { CommandBody } from '../../src/model/command.ts';
import type { SimMeter } from '../../src/sim/fleet.ts';
import { until } from './until.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const DEADLINE_MS = 60_000;

/** A command as REST shows it. */
export interface ShownCommand {
  readonly id: string;
  readonly state: string;
  readonly sentence: string;
  readonly ended: boolean;
  readonly createdAtMs: number;
  readonly relay?: { readonly outputOn: boolean; readonly controlState: number; readonly sentence: string };
  readonly values: readonly {
    readonly obis: string;
    readonly result: number;
    readonly value?: number | string;
    readonly exponent?: number;
    readonly unit?: string;
    readonly text?: string;
    readonly raw: string;
  }[];
  readonly reports: readonly {
    readonly state: string;
    readonly code: string;
    readonly sentence: string;
    readonly atMs: number;
  }[];
}

/** See the head of the file. */
export class CommandRig {
  readonly env = createHostEnv({ logLevel: 'silent' });
  #edge: Concentrator | null;
  #process: ChildProcess | null = null;

  private constructor(
    private readonly folder: string,
    readonly site: Site,
    readonly client: RestClient,
  ) {
    this.#edge = site.edge;
  }

  static async start({ meters, ...options }: { readonly meters: number } & Partial<SiteOptions>): Promise<CommandRig> {
    const folder = await mkdtemp(join(tmpdir(), 'dw-commands-'));
    const site = await startSite(createHostEnv({ logLevel: 'silent' }), createProcessHost(), {
      folder,
      configFolder: join(ROOT, 'config'),
      webFolder: join(ROOT, 'dist'),
      port: 0,
      seed: 'commands',
      days: 1,
      street: [{ id: 'desk', kind: 'tcp', profiles: Array<string>(meters).fill('generic/idis'), name: 'Desk' }],
      tell: () => {},
      ...options,
    });
    const rig = new CommandRig(folder, site, await RestClient.signIn(site.collector, 'anna'));
    await rig.connected();
    return rig;
  }

  async stop(): Promise<void> {
    await this.stopEdge();
    await this.site.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The edge in this process. */
  get edge(): Concentrator {
    return this.#edge ?? assert.fail('the edge is not running here');
  }

  meter(number: number): SimMeter {
    return this.site.simulator.meters[number - 1] ?? assert.fail(`there is no meter ${number}`);
  }

  /** Waits until the edge has said hello since `sinceMs`. */
  async connected(sinceMs = 0): Promise<void> {
    await until('the edge says hello', async () => {
      const edge = await this.client.get<{ lastHelloMs?: number; epoch?: string }>(`edges/${DEMO_EDGE}`);
      return edge.epoch !== undefined && (edge.lastHelloMs ?? 0) > sinceMs;
    });
  }

  async stopEdge(): Promise<void> {
    const edge = this.#edge;
    this.#edge = null;
    await edge?.stop();
    await this.killEdge();
  }

  /** Starts the edge from its files, with a signed cap when one is given. */
  async startEdge(disconnectsPerHour?: number): Promise<void> {
    const sinceMs = Date.now();
    const text = await this.#settings(disconnectsPerHour);
    const parsed = parseConfig(EDGE_CONFIG, text);
    assert.ok(parsed.ok);
    const profilesFolder = join(ROOT, 'config', 'profiles');
    const around = { env: this.env, linkEnv: this.env, profilesFolder, software: 'deltawatt test' };
    this.#edge = await Concentrator.start(this.env, await resolveSettings(parsed.config, around));
    await this.connected(sinceMs);
  }

  /** Starts the edge as a process, as an operator would. */
  async startEdgeProcess(): Promise<void> {
    const sinceMs = Date.now();
    const program = join(ROOT, 'dist', 'bin', 'deltawatt.js');
    const file = join(this.folder, 'edge', 'edge.yaml');
    this.#process = spawn(process.execPath, [program, 'edge', '--config', file], {
      cwd: ROOT,
      stdio: 'ignore',
    });
    await this.connected(sinceMs);
  }

  /** The power goes: SIGKILL. */
  async killEdge(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  async #settings(disconnectsPerHour: number | undefined): Promise<string> {
    const folder = join(this.folder, 'edge');
    const text = await readFile(join(folder, 'edge.yaml'), 'utf8');
    if (disconnectsPerHour === undefined) return text;
    const limitsFile = join(folder, 'limits.json');
    const { privateKey } = this.site.collector.keys.limits;
    const limits = { edgeId: DEMO_EDGE, disconnectsPerHour };
    await writeFile(limitsFile, signLimits(limits, privateKey, this.env.crypto));
    return stringify({ ...(parse(text) as object), limitsFile });
  }

  /** Gives an order over REST. */
  async issue(
    meter: number,
    body: CommandBody,
    options: { readonly key?: string; readonly validForMs?: number } = {},
  ): Promise<ShownCommand> {
    const { key, validForMs } = options;
    const answer = await this.client.post(
      'commands',
      { meterId: this.meter(meter).device.meterId, body, ...(validForMs === undefined ? {} : { validForMs }) },
      key === undefined ? {} : { 'idempotency-key': key },
    );
    assert.equal(answer.status, 202, JSON.stringify(answer.body));
    return answer.body as ShownCommand;
  }

  show(id: string): Promise<ShownCommand> {
    return this.client.get<ShownCommand>(`commands/${id}`);
  }

  /** Waits until it is in a state, or at its end. */
  ended(id: string): Promise<ShownCommand> {
    return until(
      `command ${id} ends`,
      async () => {
        const shown = await this.show(id);
        return shown.ended && shown;
      },
      DEADLINE_MS,
    );
  }

  /** Issues and waits; `tookMs` is from the order to the answer in REST. */
  async run(meter: number, body: CommandBody): Promise<ShownCommand & { readonly tookMs: number }> {
    const startedMs = performance.now();
    const { id } = await this.issue(meter, body);
    const shown = await this.ended(id);
    return { ...shown, tookMs: performance.now() - startedMs };
  }
}

/** The networks of a concentrator: who is in each, what of it goes up, and who joins that nobody named. */
import type { Env } from '../../base/env.ts';
import { reasonOf } from '../../base/errors.ts';
import { isNamed, type LineLink, type NodeChange } from '../../link/link.ts';
import type { MeterEvent } from '../../model/event.ts';
import type { MeterId } from '../../model/ids.ts';
import { entryWith } from '../entry.ts';
import type { LineSettings } from '../line-settings.ts';
import type { Health, Journal, ReadingStage } from '../ports.ts';
import { identifyNode } from './identify.ts';
import { NetworkBook } from './network-book.ts';
import { NodeFinder } from './node-finder.ts';

/** What they are made of. */
export interface NetworksOptions {
  readonly env: Env;
  readonly stage: ReadingStage;
  readonly journal: Pick<Journal, 'keptUnder'>;
  readonly health: Health;
  /** A meter is in its network again. */
  readonly returned: (meterId: MeterId) => void;
}

/** See the head of the file. */
export class Networks {
  readonly books: NetworkBook[] = [];
  readonly #finders: NodeFinder[] = [];
  readonly #options: NetworksOptions;

  constructor(options: NetworksOptions) {
    this.#options = options;
  }

  /** Watches a line from now on. */
  add(line: LineSettings, link: LineLink): void {
    const book = this.#bookOf(line, link.tellsEach === true);
    const finder = this.#finderOf(line, link);
    link.watch?.((change) => {
      this.#changed(line, book, change);
      finder?.changed(change);
    });
  }

  async start(): Promise<void> {
    for (const finder of this.#finders) await finder.start();
  }

  /** Resolves when nobody is asked any more who he is. */
  async stop(): Promise<void> {
    for (const book of this.books) book.stop();
    await Promise.all(this.#finders.map((finder) => finder.stop()));
  }

  #bookOf(line: LineSettings, tellsEach: boolean): NetworkBook {
    const { env, stage } = this.#options;
    const told = (event: MeterEvent) => {
      const entry = entryWith(env.clock.nowMs(), { line: line.id, records: [{ kind: 'event', event }] });
      stage.add(entry).catch((error: unknown) => {
        env.log.warn('line.event-not-stored', { line: line.id, reason: reasonOf(error) });
      });
    };
    const book = new NetworkBook({ env, line: line.id, meters: line.meters, tellsEach, told });
    this.books.push(book);
    return book;
  }

  /** Who looks for meters that the settings do not name; null = nobody does on this line. */
  #finderOf(line: LineSettings, link: LineLink): NodeFinder | null {
    if (link.tellsStrangers !== true) return null;
    const { env, journal, stage, health } = this.#options;
    const names = line.meters.flatMap(({ name }) => name ?? []);
    const finder = new NodeFinder({
      env,
      line: line.id,
      link,
      isKnown: ({ name: own, eui48: eui }) => names.some((name) => isNamed({ name: own, eui }, name)),
      identify: (node, signal) => identifyNode(link, env, node, signal),
      journal,
      stage,
      health,
    });
    this.#finders.push(finder);
    return finder;
  }

  #changed(line: LineSettings, book: NetworkBook, change: NodeChange): void {
    const { health, env, returned } = this.#options;
    health.count(`nodes_${change.kind}`);
    book.changed(change);
    const { there, all } = book.presence;
    const state = there === all ? 'ok' : there === 0 ? 'failed' : 'degraded';
    health.state(`network ${line.id}`, state, `${there} of ${all} meters are in the network.`);
    if (!('name' in change)) return;
    const { kind, name, eui } = change;
    env.log.info(`line.node-${kind}`, { line: line.id, node: name, eui });
    const meter = line.meters.find((each) => each.name !== undefined && isNamed(change, each.name));
    if (kind === 'joined' && meter !== undefined) returned(meter.meterId);
  }
}

/** What the API, auth and commands need of a store, in maps. */
import { toHex } from '../../../src/base/bytes.ts';
import type {
  ChannelRecord,
  CollectorStore,
  CommandRecord,
  EdgeRecord,
  Gap,
  ImageRecord,
  ImportView,
  MeterRecord,
  RereadRecord,
  StoreChange,
  StoredReading,
  TokenRecord,
} from '../../../src/collector/ports.ts';
import { MemoryFindings } from '../../../src/lab/memory-findings.ts';
import { COMMAND_STATES, END_STATES } from '../../../src/model/command.ts';
import { DEFAULT_TENANT, type EdgeId, type MeterId } from '../../../src/model/ids.ts';
import { START_MS } from './fake-env.ts';

export const E1 = 'e1' as EdgeId;
export const M1 = 'm1' as MeterId;

type Asked = Pick<
  CollectorStore,
  | 'edge'
  | 'saveEdge'
  | 'edges'
  | 'meters'
  | 'meter'
  | 'channels'
  | 'readings'
  | 'latest'
  | 'events'
  | 'attributes'
  | 'gaps'
  | 'quarantined'
  | 'rereads'
  | 'saveMeter'
  | 'placeMeter'
  | 'endPlacement'
  | 'withImport'
  | 'saveFindings'
  | 'finding'
  | 'findings'
  | 'create'
  | 'command'
  | 'commands'
  | 'open'
  | 'report'
  | 'audit'
  | 'saveSetupCode'
  | 'useSetupCode'
  | 'hasUsers'
  | 'saveToken'
  | 'token'
  | 'revokeToken'
  | 'tokens'
  | 'saveImage'
  | 'image'
  | 'images'
  | 'removeImage'
  | 'onChange'
  | 'notSafe'
  | 'damage'
>;

export class FakeStore implements Asked {
  edgeMap = new Map<string, EdgeRecord>();
  meterMap = new Map<string, MeterRecord>();
  channelList: ChannelRecord[] = [];
  rows: StoredReading[] = [];
  gapList: Gap[] = [];
  rereadList: RereadRecord[] = [];
  imageMap = new Map<string, ImageRecord>();
  eventList: Awaited<ReturnType<CollectorStore['events']>>['items'][number][] = [];
  attributeList: Awaited<ReturnType<CollectorStore['attributes']>>[number][] = [];
  commandMap = new Map<
    string,
    { record: CommandRecord; command: Uint8Array; signature: Uint8Array; key: string | undefined }
  >();
  audits: { action: string; subject: string; detail: string; actor: string }[] = [];
  tokenMap = new Map<string, TokenRecord>();
  setupCodes = new Map<string, number>();
  unsafe: string[] = [];
  damaged: string[] = [];
  listeners: ((change: StoreChange) => void)[] = [];
  readingCalls = 0;

  constructor() {
    this.edgeMap.set(E1, {
      edgeId: E1,
      tenantId: DEFAULT_TENANT,
      state: 'active',
      key: new Uint8Array(32).fill(7),
      epoch: '00112233445566ff',
      lastHelloMs: START_MS - 60_000,
    });
    this.meterMap.set(M1, {
      meterId: M1,
      tenantId: DEFAULT_TENANT,
      edgeId: E1,
      placedFromMs: 0,
      name: 'Baker Street 1',
    });
  }

  emit(change: StoreChange): void {
    for (const listener of this.listeners) listener(change);
  }

  edge = async (edgeId: EdgeId) => this.edgeMap.get(edgeId);
  saveEdge = async (edge: EdgeRecord) => void this.edgeMap.set(edge.edgeId, edge);
  edges = async () => [...this.edgeMap.values()];

  async meters(query: { text?: string; edgeId?: EdgeId; limit: number; cursor?: string }) {
    const all = [...this.meterMap.values()].filter(
      (meter) =>
        (query.text === undefined || meter.meterId.includes(query.text)) &&
        (query.edgeId === undefined || meter.edgeId === query.edgeId),
    );
    const from = Number(query.cursor ?? 0);
    const items = all.slice(from, from + query.limit);
    return from + query.limit < all.length ? { items, cursor: String(from + query.limit) } : { items };
  }

  meter = async (meterId: MeterId) => this.meterMap.get(meterId);
  channels = async (meterId: MeterId) => this.channelList.filter((channel) => channel.meterId === meterId);

  async readings(query: Parameters<CollectorStore['readings']>[0]) {
    this.readingCalls += 1;
    return this.rows
      .filter(
        (row) =>
          row.obis === query.channel.obis &&
          row.meterId === query.channel.meterId &&
          row.intervalS === query.channel.intervalS,
      )
      .filter(
        (row) =>
          row.atMs > query.fromMs &&
          row.atMs <= query.toMs &&
          (query.afterMs === undefined || row.atMs > query.afterMs),
      )
      .filter((row, at, all) => query.allVersions === true || all[at + 1]?.atMs !== row.atMs)
      .slice(0, query.limit);
  }

  latest = async (meterId: MeterId) => this.rows.filter((row) => row.meterId === meterId).slice(-1);
  events = async (query: Parameters<CollectorStore['events']>[0]) => ({ items: this.eventList.slice(0, query.limit) });
  attributes = async (_meterId: MeterId) => this.attributeList;
  gaps = async (query: Parameters<CollectorStore['gaps']>[0]) =>
    this.gapList.filter((gap) => gap.meterId === query.meterId);
  /** Filters as the route hands them on; no pages. */
  rereads = async ({ edgeId, meterId, state, limit }: Parameters<CollectorStore['rereads']>[0]) => ({
    items: this.rereadList
      .filter((record) => edgeId === undefined || record.edgeId === edgeId)
      .filter((record) => meterId === undefined || record.meterId === meterId)
      .filter((record) => state === undefined || record.state === state)
      .slice(0, limit),
  });
  quarantined = async () => [{ edgeId: E1, meterId: 'stranger' as MeterId, rows: 12, sinceMs: START_MS }];

  async saveMeter(meter: MeterRecord) {
    this.meterMap.set(meter.meterId, { ...this.meterMap.get(meter.meterId), ...meter });
  }
  async placeMeter(meterId: MeterId, edgeId: EdgeId, placedFromMs: number) {
    const meter = this.meterMap.get(meterId);
    if (meter !== undefined) this.meterMap.set(meterId, { ...meter, edgeId, placedFromMs });
  }
  async endPlacement(meterId: MeterId, placedToMs: number) {
    const meter = this.meterMap.get(meterId);
    if (meter !== undefined) this.meterMap.set(meterId, { ...meter, placedToMs });
  }

  readonly #findings = new MemoryFindings();
  saveFindings: CollectorStore['saveFindings'] = (findings) => this.#findings.saveFindings(findings);
  finding: CollectorStore['finding'] = (findingId) => this.#findings.finding(findingId);
  findings: CollectorStore['findings'] = (query) => this.#findings.findings(query);

  withImport = async <Result>(work: (view: ImportView) => Promise<Result>): Promise<Result> =>
    work({
      known: async () => [...this.meterMap.values()].map(({ tenantId: _tenant, state: _state, ...meter }) => meter),
      write: async (meters, { tenantId }) => {
        for (const meter of meters)
          this.meterMap.set(meter.meterId, { ...this.meterMap.get(meter.meterId), tenantId, ...meter });
      },
    });

  async create(
    command: Parameters<CollectorStore['create']>[0],
    signed: { command: Uint8Array; signature: Uint8Array },
    key: string | undefined,
  ) {
    const known = key === undefined ? undefined : [...this.commandMap.values()].find((entry) => entry.key === key);
    if (known !== undefined) return { record: known.record, created: false };
    const record: CommandRecord = { ...command, state: 'stored', sentence: 'Stored.', reports: [] };
    this.commandMap.set(command.id, { record, ...signed, key });
    this.audits.push({ action: 'command.create', subject: command.id, detail: '', actor: command.author });
    return { record, created: true };
  }
  command = async (id: string) => this.commandMap.get(id)?.record;
  async commands(query: { meterId?: MeterId; state?: string; limit: number }) {
    const items = [...this.commandMap.values()]
      .map((entry) => entry.record)
      .filter(
        (record) =>
          (query.state === undefined || record.state === query.state) &&
          (query.meterId === undefined || record.meterId === query.meterId),
      );
    return { items: items.reverse().slice(0, query.limit) };
  }
  open = async (edgeId: EdgeId) =>
    [...this.commandMap.values()].filter(
      (entry) => entry.record.edgeId === edgeId && !END_STATES.has(entry.record.state),
    );
  async report(report: Parameters<CollectorStore['report']>[0]) {
    const entry = this.commandMap.get(report.id);
    if (entry === undefined) return undefined;
    if (COMMAND_STATES.indexOf(report.state) <= COMMAND_STATES.indexOf(entry.record.state)) return entry.record;
    const record = {
      ...entry.record,
      state: report.state,
      sentence: report.sentence,
      reports: [...entry.record.reports, report],
    };
    this.commandMap.set(report.id, { ...entry, record });
    this.emit({ kind: 'command', command: record });
    return record;
  }
  audit = async (line: { action: string; subject: string; detail: string; actor: string }) =>
    void this.audits.push(line);

  saveSetupCode = async (hash: Uint8Array, expiresAtMs: number) => void this.setupCodes.set(toHex(hash), expiresAtMs);
  async useSetupCode(hash: Uint8Array, nowMs: number) {
    const expiresAtMs = this.setupCodes.get(toHex(hash));
    this.setupCodes.delete(toHex(hash));
    return expiresAtMs !== undefined && expiresAtMs > nowMs;
  }
  hasUsers = async () => this.tokenMap.size > 0;
  saveToken = async (token: TokenRecord) => void this.tokenMap.set(toHex(token.hash), token);
  token = async (hash: Uint8Array) => this.tokenMap.get(toHex(hash));
  async revokeToken(id: string) {
    for (const [hash, token] of this.tokenMap)
      if (token.id === id) this.tokenMap.set(hash, { ...token, revoked: true });
  }
  tokens = async () => [...this.tokenMap.values()];
  onChange = (listener: (change: StoreChange) => void) => void this.listeners.push(listener);
  notSafe = async () => this.unsafe;
  damage = async () => this.damaged;

  /** Quarter hours of a growing register of M1, oldest first. */
  fill(count: number, value: (at: number) => number | bigint = (at) => 1_000 + at * 125): void {
    const obis = '1-0:1.8.0*255';
    const firstMs = START_MS - count * 900_000;
    for (let at = 0; at < count; at++) {
      this.rows.push({
        meterId: M1,
        obis,
        intervalS: 900,
        atMs: firstMs + (at + 1) * 900_000,
        value: value(at),
        exponent: 0,
        unit: 'Wh',
        status: new Uint8Array(),
        quality: 'good',
        deviationMin: -60,
        source: 'profile',
        origin: { edgeId: E1, epoch: '00112233445566ff', lane: 2, sequence: 1 + Math.floor(at / 4), index: at % 4 },
        readAtMs: firstMs + (at + 1) * 900_000 + 20_000,
        knownAtMs: firstMs + (at + 1) * 900_000 + 21_000,
        versions: 1,
      });
    }
    this.channelList = [
      { meterId: M1, obis, intervalS: 900, unit: 'Wh', exponent: 0, firstAtMs: firstMs, lastAtMs: START_MS },
    ];
  }

  async saveImage(image: ImageRecord) {
    const isNew = !this.imageMap.has(image.sha256);
    this.imageMap.set(image.sha256, image);
    return isNew;
  }
  async image(sha256: string) {
    return this.imageMap.get(sha256);
  }
  async images() {
    return [...this.imageMap.values()];
  }
  async removeImage(sha256: string) {
    return this.imageMap.delete(sha256);
  }
}

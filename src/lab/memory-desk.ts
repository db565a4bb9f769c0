/** The part of the collector's memory model that is not about readings: commands, audit, tokens, leases, what is read again. */

import { toHex } from '../base/bytes.ts';
import type { Clock } from '../base/env.ts';
import type { FindingStore, ToldMeter } from '../collector/commissioning-ports.ts';
import type {
  AuthStore,
  BrokerUser,
  BrokerUsers,
  CommandRecord,
  CommandStore,
  ImageRecord,
  ImageStore,
  Lease,
  LeaseStore,
  RereadPlace,
  RereadRecord,
  RereadStore,
  StoreChange,
  TokenRecord,
} from '../collector/ports.ts';
import { pageOf, parseCursor } from '../collector/store/pages.ts';
import type { Command, CommandReport } from '../model/command.ts';
import { COMMAND_STATES, END_STATES, mayFollow } from '../model/command.ts';
import type { CommandId, EdgeId, TenantId } from '../model/ids.ts';
import { isUnfinished, joinReport } from '../wire/command-parts.ts';
import { MemoryFindings } from './memory-findings.ts';
import { MemoryRereads } from './memory-rereads.ts';

interface KeptCommand {
  record: CommandRecord;
  readonly key: string | undefined;
  readonly command: Uint8Array;
  readonly signature: Uint8Array;
}

/** A line of the audit trail. */
export type AuditLine = Parameters<CommandStore['audit']>[0];

/** Commands, audit and tokens in maps. */
export class MemoryDesk
  implements CommandStore, ImageStore, LeaseStore, RereadStore, AuthStore, BrokerUsers, FindingStore
{
  /** Every audit line, oldest first. */
  readonly auditLines: AuditLine[] = [];
  readonly #commands = new Map<CommandId, KeptCommand>();
  readonly #images = new Map<string, { readonly image: ImageRecord; readonly octets: Uint8Array }>();
  readonly #codes = new Map<string, number>();
  readonly #tokens = new Map<string, TokenRecord>();
  readonly #brokerUsers = new Map<EdgeId, BrokerUser>();

  readonly #leases = new Map<number, { holder: string; token: number; untilMs: number }>();
  protected readonly rereadList = new MemoryRereads();
  readonly #findings = new MemoryFindings();
  readonly saveFindings: FindingStore['saveFindings'] = (findings) => this.#findings.saveFindings(findings);
  readonly finding: FindingStore['finding'] = (findingId) => this.#findings.finding(findingId);
  readonly findings: FindingStore['findings'] = (query) => this.#findings.findings(query);
  readonly toldMeters: FindingStore['toldMeters'] = (limit) => this.#findings.toldMeters(limit);
  readonly forgetTold: FindingStore['forgetTold'] = (told) => this.#findings.forgetTold(told);
  protected readonly tellFound = (told: ToldMeter): void => this.#findings.tell(told);

  constructor(
    private readonly changed: (change: StoreChange) => void,
    private readonly time: Pick<Clock, 'nowMs'>,
  ) {}

  async takeLease(shard: number, holder: string, forMs: number): Promise<Lease | undefined> {
    const nowMs = this.time.nowMs();
    const held = this.#leases.get(shard);
    if (held !== undefined && held.holder !== holder && held.untilMs > nowMs) return undefined;
    const token = held === undefined ? 1 : held.token + (held.holder === holder ? 0 : 1);
    this.#leases.set(shard, { holder, token, untilMs: nowMs + forMs });
    return { shard, token };
  }

  /** Whether nobody took the shard over since. */
  protected isHeld({ shard, token }: Lease): boolean {
    return this.#leases.get(shard)?.token === token;
  }

  async listRereads(places: readonly RereadPlace[], due: Parameters<RereadStore['listRereads']>[1]): Promise<void> {
    this.rereadList.list(places, this.time.nowMs(), due.state, due.atMs);
  }

  async dueRereads(nowMs: number, limit: number): Promise<readonly RereadRecord[]> {
    return this.rereadList.due(nowMs, limit);
  }

  async orderedRereads(edgeId: EdgeId, limit: number): Promise<readonly RereadRecord[]> {
    return this.rereadList.ordered(edgeId, limit);
  }

  async changeReread(...[record, change]: Parameters<RereadStore['changeReread']>): Promise<boolean> {
    return this.rereadList.change(record, change);
  }

  async rereads(query: Parameters<RereadStore['rereads']>[0]) {
    return this.rereadList.page(query);
  }

  async saveImage(image: ImageRecord, octets: Uint8Array): Promise<boolean> {
    if (this.#images.has(image.sha256)) return false;
    this.#images.set(image.sha256, { image, octets: octets.slice() });
    return true;
  }

  async image(sha256: string): Promise<ImageRecord | undefined> {
    return this.#images.get(sha256)?.image;
  }

  async images(): Promise<readonly ImageRecord[]> {
    return [...this.#images.values()]
      .map(({ image }) => image)
      .sort((a, b) => a.uploadedAtMs - b.uploadedAtMs || (a.sha256 < b.sha256 ? -1 : 1));
  }

  async removeImage(sha256: string): Promise<boolean> {
    return this.#images.delete(sha256);
  }

  async imagePart(edgeId: EdgeId, sha256: string, offset: number, length: number): Promise<Uint8Array | undefined> {
    const isWanted = (await this.open(edgeId)).some(
      ({ record: { body } }) => body.kind === 'firmware' && body.sha256 === sha256,
    );
    return isWanted ? this.#images.get(sha256)?.octets.slice(offset, offset + length) : undefined;
  }

  async brokerUser(edgeId: EdgeId): Promise<BrokerUser | undefined> {
    return this.#brokerUsers.get(edgeId);
  }

  async brokerUsers(): Promise<readonly BrokerUser[]> {
    return [...this.#brokerUsers.values()].sort((a, b) => (a.edgeId < b.edgeId ? -1 : 1));
  }

  async saveBrokerUser(user: BrokerUser): Promise<void> {
    this.#brokerUsers.set(user.edgeId, user);
  }

  async create(
    command: Command & { readonly tenantId: TenantId },
    signed: { readonly command: Uint8Array; readonly signature: Uint8Array },
    idempotencyKey: string | undefined,
  ): Promise<{ readonly record: CommandRecord; readonly created: boolean }> {
    for (const kept of this.#commands.values()) {
      const sameKey = idempotencyKey !== undefined && kept.key === idempotencyKey;
      const sameEdge = kept.record.edgeId === command.edgeId && kept.record.tenantId === command.tenantId;
      if (sameEdge && (sameKey || kept.record.id === command.id)) return { record: kept.record, created: false };
    }
    const record: CommandRecord = { ...command, state: 'stored', sentence: 'Stored, not yet sent.', reports: [] };
    this.#commands.set(command.id, { record, key: idempotencyKey, ...signed });
    this.auditLines.push({
      atMs: command.createdAtMs,
      actor: command.author,
      action: `command.${command.body.kind}`,
      subject: command.meterId,
      detail: JSON.stringify(command.body),
    });
    this.changed({ kind: 'command', command: record });
    return { record, created: true };
  }

  async command(id: CommandId): Promise<CommandRecord | undefined> {
    return this.#commands.get(id)?.record;
  }

  async commands(query: Parameters<CommandStore['commands']>[0]) {
    const [afterMs, afterId] = parseCursor(query.cursor, 2);
    const newestFirst = [...this.#commands.values()]
      .map((kept) => kept.record)
      .filter((record) => query.meterId === undefined || record.meterId === query.meterId)
      .filter((record) => query.state === undefined || record.state === query.state)
      .sort((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1));
    const rest = newestFirst.filter(
      ({ createdAtMs, id }) =>
        afterMs === null || createdAtMs < Number(afterMs) || (createdAtMs === Number(afterMs) && id < String(afterId)),
    );
    return pageOf(rest, query.limit, (record) => [record.createdAtMs, record.id]);
  }

  async open(edgeId: EdgeId) {
    return [...this.#commands.values()]
      .filter(({ record }) => record.edgeId === edgeId && !END_STATES.has(record.state))
      .sort((a, b) => a.record.createdAtMs - b.record.createdAtMs || (a.record.id < b.record.id ? -1 : 1))
      .map(({ record, command, signature }) => ({ record, command, signature }));
  }

  async report(report: CommandReport): Promise<CommandRecord | undefined> {
    const record = this.take(report);
    if (record !== undefined) this.changed({ kind: 'command', command: record });
    return record;
  }

  /** Takes a report without telling anyone; with `edgeId` only for a command of that edge. */
  take(report: CommandReport, edgeId?: EdgeId): CommandRecord | undefined {
    const kept = this.#commands.get(report.id);
    if (kept === undefined || (edgeId !== undefined && kept.record.edgeId !== edgeId)) return undefined;
    const { record } = kept;
    const before = record.reports.find((other) => other.state === report.state);
    const joined = joinReport(before, report);
    const order = (state: CommandReport['state']) => COMMAND_STATES.indexOf(state);
    const others = record.reports.filter((other) => other !== before);
    const reports =
      joined === null
        ? record.reports
        : [...others, { ...joined, meterId: record.meterId }].sort(
            (a, b) => a.atMs - b.atMs || order(a.state) - order(b.state),
          );
    if (isUnfinished(report)) {
      kept.record = { ...record, reports };
      return undefined;
    }
    kept.record = mayFollow(record.state, report.state)
      ? { ...record, reports, state: report.state, sentence: joined?.sentence ?? report.sentence }
      : { ...record, reports };
    return kept.record;
  }

  async audit(line: AuditLine): Promise<void> {
    this.auditLines.push(line);
  }

  async saveSetupCode(hash: Uint8Array, expiresAtMs: number): Promise<void> {
    this.#codes.set(toHex(hash), expiresAtMs);
  }

  async useSetupCode(hash: Uint8Array, nowMs: number): Promise<boolean> {
    const expiresAtMs = this.#codes.get(toHex(hash));
    if (expiresAtMs === undefined || expiresAtMs <= nowMs) return false;
    return this.#codes.delete(toHex(hash));
  }

  async hasUsers(): Promise<boolean> {
    return [...this.#tokens.values()].some((token) => !token.revoked);
  }

  async saveToken(token: TokenRecord): Promise<void> {
    this.#tokens.set(token.id, token);
  }

  async token(hash: Uint8Array): Promise<TokenRecord | undefined> {
    return [...this.#tokens.values()].find((token) => toHex(token.hash) === toHex(hash));
  }

  async revokeToken(id: string): Promise<void> {
    const token = this.#tokens.get(id);
    if (token !== undefined) this.#tokens.set(id, { ...token, revoked: true });
  }

  async tokens(): Promise<readonly TokenRecord[]> {
    return [...this.#tokens.values()].sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
  }
}

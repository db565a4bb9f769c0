/**
 * New keys for meters by schedule: gives the orders that somebody would otherwise give by hand, signed, audited and followed
 * like those (docs/adr/0037).
 *
 * Now and then each concentrator that has nothing of the kind under way gets at most one order, so a line never has two. A
 * look walks on through a concentrator's meters, a page at a time. Each order has an idempotency key of its moment: two
 * collectors, or a restart between order and answer, give it once.
 */
import { toHex } from '../../base/bytes.ts';
import type { Env, Timer } from '../../base/env.ts';
import { reasonOf } from '../../base/errors.ts';
import type { EdgeId } from '../../model/ids.ts';
import type { KeyRotation, RotationGroup, RotationSchedule } from '../key-schedule.ts';
import type { CollectorStore, CommandDesk, MeterRecord } from '../ports.ts';
import { ROTATION_COMMANDS, ROTATION_LOOK_MS, ROTATION_PAGE, ROTATION_VALID_MS } from './limits.ts';
import { groupOf, rotationOf } from './rotation-plan.ts';

/** What the schedule needs. */
export interface RotationParts {
  readonly env: Pick<Env, 'clock' | 'timers' | 'crypto' | 'log'>;
  readonly store: Pick<CollectorStore, 'edges' | 'meters' | 'commands' | 'open'>;
  readonly desk: Pick<CommandDesk, 'issue'>;
  /** Empty = nothing is changed by schedule. */
  readonly groups: readonly RotationGroup[];
}

/** See the head of the file. */
export class KeyRotations implements RotationSchedule {
  readonly groups: readonly RotationGroup[];
  readonly #parts: RotationParts;
  /** Where the walk through an edge's meters goes on; absent = at its beginning. */
  readonly #cursors = new Map<EdgeId, string>();
  #timer: Timer | null = null;
  #isClosed = false;

  constructor(parts: RotationParts) {
    this.#parts = parts;
    this.groups = parts.groups;
    this.#plan();
  }

  /** Begins no further order. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  /** Looks once at every concentrator; how many orders were given. Rejects when the store does. */
  async look(): Promise<number> {
    let given = 0;
    for (const { edgeId, state } of await this.#parts.store.edges()) {
      if (this.#isClosed) break;
      const concerned = this.groups.some(({ edges }) => edges.length === 0 || edges.includes(edgeId));
      if (state === 'active' && concerned && (await this.#serve(edgeId))) given++;
    }
    return given;
  }

  async of(meter: MeterRecord): Promise<readonly KeyRotation[]> {
    const group = groupOf(this.groups, meter);
    if (group === null) return [];
    const { store, env } = this.#parts;
    const { items } = await store.commands({ meterId: meter.meterId, limit: ROTATION_COMMANDS });
    const around = { nowMs: env.clock.nowMs(), crypto: env.crypto };
    return group.keys.map((key) => rotationOf(group, meter, key, items, around));
  }

  #plan(): void {
    if (this.#isClosed || this.groups.length === 0) return;
    this.#timer = this.#parts.env.timers.after(ROTATION_LOOK_MS, () => {
      this.look()
        .catch((error: unknown) =>
          this.#parts.env.log.warn('commands.rotation-look-failed', { reason: reasonOf(error) }),
        )
        .finally(() => this.#plan());
    });
  }

  /** Gives one order to a concentrator that has none of the kind under way, if one is due; whether it did. */
  async #serve(edgeId: EdgeId): Promise<boolean> {
    const { store } = this.#parts;
    const open = await store.open(edgeId);
    if (open.some(({ record }) => record.body.kind === 'key-rotation')) return false;
    const cursor = this.#cursors.get(edgeId);
    const page = await store.meters({ edgeId, limit: ROTATION_PAGE, ...(cursor === undefined ? {} : { cursor }) });
    for (const meter of page.items) {
      const due = (await this.of(meter)).find(({ isDue }) => isDue);
      // The walk stays on this page: its next meter may be due as well.
      if (due !== undefined && (await this.#order(due))) return true;
    }
    if (page.cursor === undefined) this.#cursors.delete(edgeId);
    else this.#cursors.set(edgeId, page.cursor);
    return false;
  }

  /** Whether it was given; a meter that takes none now must not keep the others from theirs. */
  async #order({ group, meter, key, dueAtMs, last }: KeyRotation): Promise<boolean> {
    const { desk, env } = this.#parts;
    const moment = `${meter.meterId} ${key} ${dueAtMs} ${last?.id ?? ''}`;
    try {
      const { record, created } = await desk.issue({
        meterId: meter.meterId,
        body: { kind: 'key-rotation', key },
        author: `schedule ${group.name}`,
        tenantId: meter.tenantId,
        validForMs: ROTATION_VALID_MS,
        idempotencyKey: toHex(env.crypto.sha256(new TextEncoder().encode(moment))),
      });
      if (created) env.log.info('commands.rotation-ordered', { commandId: record.id, meterId: meter.meterId, key });
      return created;
    } catch (error) {
      env.log.warn('commands.rotation-not-ordered', { meterId: meter.meterId, key, reason: reasonOf(error) });
      return false;
    }
  }
}

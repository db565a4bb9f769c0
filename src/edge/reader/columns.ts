/**
 * Rows of a buffer are believed only by the columns that the meter itself names. A buffer can be set up anew in the field, and
 * by the profile's columns one register's energy would then go to another's bill.
 *
 * The columns come with the first rows of each association, in the same list, so they cost no question of their own. A meter
 * whose buffer is not the profile's is in the state `reconfigured` until both agree again; nothing of that buffer is stored,
 * the watermark stays, and the rest of the meter is read on. A meter that does not tell its columns is read by its profile
 * and counted.
 */
import type { Data } from '../../dlms/axdr/data.ts';
import type { GetDataResult } from '../../dlms/xdlms/service.ts';
import { captureMismatch, captureRequests } from '../../profile/capture.ts';
import type { ReadRequest } from '../../profile/plan.ts';
import type { BufferRule } from '../../profile/schema/profile.ts';
import { edgeError } from '../errors.ts';
import type { Health, Meter } from '../ports.ts';
import { accessOf, dataOf, wantedData } from './answers.ts';
import { learnScalers, type UnitsScene, unknownScalers } from './known-units.ts';
import type { OpenAssociation } from './sessions.ts';

/** What is remembered of a meter's buffers, by OBIS. */
export class ColumnsMemory {
  /** By association, which must not be held beyond its end: it has the client with all its buffers. */
  readonly #checkedIn = new WeakMap<OpenAssociation, Set<string>>();
  readonly #wrong = new Map<string, string>();

  /** Why a buffer of the meter is not read, in a sentence; null = all that were asked are as the profile says. */
  get sentence(): string | null {
    return this.#wrong.values().next().value ?? null;
  }

  /** Whether the columns were looked at in this association, and are the profile's. */
  isChecked(obis: string, association: OpenAssociation): boolean {
    return this.#checkedIn.get(association)?.has(obis) ?? false;
  }

  /** They were looked at; `mismatch` null = as the profile says. */
  checked(obis: string, association: OpenAssociation, mismatch: string | null): void {
    const checked = this.#checkedIn.get(association) ?? new Set();
    this.#checkedIn.set(association, checked);
    if (mismatch === null) {
      checked.add(obis);
      this.#wrong.delete(obis);
    } else {
      checked.delete(obis);
      this.#wrong.set(obis, mismatch);
    }
  }
}

/** What a look at columns needs of a job. */
export interface ColumnsScene extends UnitsScene {
  readonly meter: Pick<Meter, 'meterId' | 'profile'>;
  readonly memory: UnitsScene['memory'] & { readonly columns: ColumnsMemory };
  readonly around: UnitsScene['around'] & { readonly health: Pick<Health, 'count'> };
  readonly associate: () => Promise<OpenAssociation>;
}

/** Rows of a buffer, after a look at its columns; units that are not known go with them. Rejects with READER_RECONFIGURED and READER_OBJECT_REFUSED. */
export async function askRows(scene: ColumnsScene, rule: BufferRule, request: ReadRequest): Promise<Data> {
  const association = await scene.associate();
  const { columns } = scene.memory;
  const scalers = unknownScalers(scene);
  if (columns.isChecked(rule.obis, association)) {
    const [rows, ...told] = await association.get([request, ...scalers].map(accessOf));
    await learnScalers(scene, scalers, told);
    return wantedData(request, rows);
  }
  const items = [...captureRequests(rule), request, ...scalers];
  const [objects, period, rows, ...told] = await association.get(items.map(accessOf));
  await learnScalers(scene, scalers, told);
  const mismatch = mismatchOf(scene, rule, objects, period);
  columns.checked(rule.obis, association, mismatch);
  if (mismatch !== null) throw edgeError('READER_RECONFIGURED', mismatch);
  return wantedData(request, rows);
}

function mismatchOf(
  scene: ColumnsScene,
  rule: BufferRule,
  objects: GetDataResult | undefined,
  period: GetDataResult | undefined,
): string | null {
  const told = dataOf(objects);
  if (told === null) {
    scene.around.health.count('reader_columns_untold');
    return null;
  }
  return captureMismatch(scene.meter.profile, rule, told, dataOf(period) ?? { type: 'null-data' });
}

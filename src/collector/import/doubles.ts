/**
 * What no two meters may have in common, and what a list may not change: inside the list, and against the meters that are
 * known. Pure: the same rules whatever the store is made of.
 */
import type { ListedMeter } from '../ports.ts';
import type { FaultList } from './faults.ts';
import type { ImportRow } from './rows.ts';

/** What is one meter's alone: the column, the value as text, and how it is called. */
interface Own {
  readonly column: string;
  readonly what: string;
  readonly of: (meter: ListedMeter) => string | undefined;
}

const OWN: readonly Own[] = [
  { column: 'serial', what: 'the serial number', of: ({ serial }) => serial },
  { column: 'title', what: 'the system title', of: ({ title }) => title },
  {
    column: 'address',
    what: 'this address on this line',
    of: ({ address, edgeId, line }) =>
      address === undefined || edgeId === undefined ? undefined : `${edgeId}/${line ?? ''}/${address}`,
  },
];

/** Notes every line that repeats an earlier one of the list. */
export function findDoubles(rows: readonly ImportRow[], faults: FaultList): void {
  const ids = new Map<string, number>();
  const owners = OWN.map(() => new Map<string, ImportRow>());
  for (const row of rows) {
    const { line, meter } = row;
    const { meterId } = meter;
    const before = ids.get(meterId);
    if (before === undefined) ids.set(meterId, line);
    else faults.add('IMPORT_DOUBLE', { line, column: 'meter_id', meterId }, `Line ${before} has this meter already`);
    for (const [at, { column, what, of }] of OWN.entries()) {
      const value = of(meter);
      if (value === undefined) continue;
      const owner = owners[at]?.get(value);
      if (owner === undefined) owners[at]?.set(value, row);
      else if (owner.meter.meterId !== meterId)
        faults.add(
          'IMPORT_DOUBLE',
          { line, column, meterId },
          `Line ${owner.line} gives ${what} to ${owner.meter.meterId}`,
        );
    }
  }
}

/** Holds the lines of a list, batch by batch, against what is known and against the lines that it let pass before. */
export class Judge {
  /** Meters that are not known yet. */
  readonly created: ImportRow[] = [];
  /** Meters of which the list says something new. */
  readonly changed: ImportRow[] = [];
  #unchanged = 0;
  readonly #passed = OWN.map(() => new Map<string, ImportRow>());

  constructor(
    private readonly activeEdges: ReadonlySet<string>,
    private readonly faults: FaultList,
  ) {}

  get unchanged(): number {
    return this.#unchanged;
  }

  /** `known` holds the meters of the batch, and those that have something in common with one of them. */
  judge(rows: readonly ImportRow[], known: readonly ListedMeter[]): void {
    const byId = new Map(known.map((meter) => [meter.meterId, meter]));
    const owners = OWN.map(({ of }) => new Map(known.flatMap((meter) => entryOf(of(meter), meter))));
    for (const row of rows) {
      const before = byId.get(row.meter.meterId);
      this.#refuseOther(row, before);
      const after = { ...before, ...row.meter };
      if (this.#isPlaceGood(row, before)) this.#refuseTaken(row, after, owners);
      if (this.faults.has(row.line)) continue;
      for (const [at, { of }] of OWN.entries()) this.#passed[at]?.set(of(after) ?? '', row);
      if (before === undefined) this.created.push(row);
      else if (isNews(row.meter, before)) this.changed.push(row);
      else this.#unchanged += 1;
    }
  }

  #refuseTaken(row: ImportRow, after: ListedMeter, owners: readonly ReadonlyMap<string, ListedMeter>[]): void {
    for (const [at, { column, what, of }] of OWN.entries()) {
      const value = of(after);
      if (value === undefined) continue;
      const place = { ...placeOf(row), column };
      const owner = owners[at]?.get(value);
      if (owner !== undefined && owner.meterId !== after.meterId)
        this.faults.add('IMPORT_TAKEN', place, `The meter ${owner.meterId} has ${what}`);
      const passed = this.#passed[at]?.get(value);
      if (passed !== undefined)
        this.faults.add('IMPORT_DOUBLE', place, `Line ${passed.line} gives ${what} to ${passed.meter.meterId}`);
    }
  }

  /** The concentrator must be at work here, and a list never moves a meter. */
  #isPlaceGood(row: ImportRow, before: ListedMeter | undefined): boolean {
    const { edgeId } = row.meter;
    if (edgeId === undefined) return true;
    const place = { ...placeOf(row), column: 'edge' };
    if (before?.edgeId !== undefined && before.edgeId !== edgeId) {
      const words = `The meter is placed on ${before.edgeId}, the list says ${edgeId}`;
      this.faults.add('IMPORT_PLACED_ELSEWHERE', place, words);
      return false;
    }
    if (this.activeEdges.has(edgeId)) return true;
    this.faults.add('IMPORT_EDGE_UNKNOWN', place, `There is no active concentrator ${edgeId}`);
    return false;
  }

  /** Another serial number or title is another meter. */
  #refuseOther(row: ImportRow, before: ListedMeter | undefined): void {
    for (const column of ['serial', 'title'] as const) {
      const [now, then] = [row.meter[column], before?.[column]];
      if (now === undefined || then === undefined || now === then) continue;
      const words = `The meter has the ${column} ${then}, the list says ${now}`;
      this.faults.add('IMPORT_OTHER_METER', { ...placeOf(row), column }, words);
    }
  }
}

function entryOf(value: string | undefined, meter: ListedMeter): [string, ListedMeter][] {
  return value === undefined ? [] : [[value, meter]];
}

function placeOf({ line, meter }: ImportRow) {
  return { line, meterId: meter.meterId };
}

/** Whether a line says something that is not known yet. Since when it is placed matters only where it is placed anew. */
function isNews(meter: ListedMeter, before: ListedMeter): boolean {
  const { placedFromMs: _from, ...said } = meter;
  return Object.entries(said).some(([name, value]) => before[name as keyof ListedMeter] !== value);
}

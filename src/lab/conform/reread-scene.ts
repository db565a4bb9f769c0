/** Orders to read again: an interval that came already, the same order once more, and a meter that the device does not have. */
import { toHex } from '../../base/bytes.ts';
import type { MeterId } from '../../model/ids.ts';
import type { RereadOrder, RereadResult } from '../../model/reread.ts';
import type { Examiner } from './examiner.ts';
import type { SeenRow } from './watch.ts';

/** A device may wait until it reads the meter anyhow: a quarter of an hour, and others before it. */
const RESULT_MS = 1_200_000;
/** In which a second reading of the same order would show. */
const QUIET_MS = 60_000;
const ID_OCTETS = 6;

/** Orders that cost a device one reading of one row; nothing of a meter is changed. */
export async function rereadScene(exam: Examiner): Promise<void> {
  exam.take(true);
  const order = orderOf(exam);
  if (order === undefined) {
    for (const id of ['W-96', 'W-97', 'W-98'] as const)
      exam.verdicts.missed(id, 'No interval had come to order again.');
    return;
  }
  const from = exam.watch.rows.length;
  const result = await resultOf(exam, order);
  if (result === undefined) {
    const sentence = `No result came within ${RESULT_MS / 60_000} minutes; what this device loses is not read again.`;
    for (const id of ['W-96', 'W-97', 'W-98'] as const) exam.verdicts.missed(id, sentence);
    return;
  }
  judgeResult(exam, result);
  await judgeRows(exam, order, result, from);
  await orderAgain(exam, order, result);
  await orderOfStranger(exam, order);
}

/** The newest interval that came: the meter has it still. */
function orderOf({ watch, env }: Examiner): RereadOrder | undefined {
  const newest = watch.rows.findLast(({ intervalS }) => intervalS > 0);
  if (newest === undefined) return undefined;
  const { meterId, intervalS, obis, atMs } = newest;
  return { id: idOf(env.random.bytes(ID_OCTETS)), meterId, intervalS, obis, fromMs: atMs, toMs: atMs };
}

function idOf(octets: Uint8Array): string {
  return `conform/${toHex(octets)}`;
}

/** Says the order; what the device says of it from now on. */
async function resultOf(exam: Examiner, order: RereadOrder, withinMs = RESULT_MS): Promise<RereadResult | undefined> {
  const { watch } = exam;
  const from = watch.rereads.length;
  const told = () => watch.rereads.slice(from).find(({ id }) => id === order.id);
  exam.say({ kind: 'rereads', orders: [order] });
  await exam.until(() => told() !== undefined, withinMs);
  return told();
}

function judgeResult({ verdicts }: Examiner, { outcome, rows }: RereadResult): void {
  const isSound = outcome === 'done' ? rows === 1 : outcome === 'gone' && rows === 0;
  verdicts.judge(
    'W-97',
    isSound,
    `An interval that had come was ordered again and ended as '${outcome}'.`,
    `An order for one interval that had come, of columns that its dictionary has, ended as '${outcome}' with ${rows} intervals.`,
  );
}

/** Rows of the order that came since; those that the meter had must come, in a keyframe. */
async function judgeRows(exam: Examiner, order: RereadOrder, result: RereadResult, from: number): Promise<void> {
  const { verdicts } = exam;
  if (result.outcome !== 'done')
    return verdicts.missed('W-98', `The order ended as '${result.outcome}', so no rows came.`);
  const came = await exam.until(() => rowsOf(exam, order, from).length > 0, QUIET_MS);
  const first = rowsOf(exam, order, from)[0];
  verdicts.judge(
    'W-98',
    first?.startsGroup === true,
    'Rows that were read again came in a block that begins a keyframe group.',
    came
      ? `Rows that were read again came in block ${first?.sequence} of lane ${first?.lane}, inside a group.`
      : `The order ended as done, and its rows did not come within ${QUIET_MS / 1_000} s.`,
  );
}

/** The same order once more: its result comes again, its rows do not. */
async function orderAgain(exam: Examiner, order: RereadOrder, before: RereadResult): Promise<void> {
  const { verdicts } = exam;
  const from = exam.watch.rows.length;
  const again = await resultOf(exam, order, QUIET_MS);
  if (again === undefined || again.outcome !== before.outcome)
    return verdicts.failed(
      'W-97',
      `The order came again, and its result ${again === undefined ? 'did not' : 'changed'}.`,
    );
  await exam.rest(QUIET_MS);
  verdicts.judge(
    'W-96',
    rowsOf(exam, order, from).length === 0,
    'An order that came again was not carried out again.',
    'An order that came again was carried out again: its rows came a second time.',
  );
}

/** Nobody's meter: only a refusal is true. */
async function orderOfStranger(exam: Examiner, order: RereadOrder): Promise<void> {
  const { env, verdicts } = exam;
  const stranger = { ...order, id: idOf(env.random.bytes(ID_OCTETS)), meterId: 'no-such-meter' as MeterId };
  const result = await resultOf(exam, stranger, QUIET_MS);
  if (result !== undefined && result.outcome !== 'refused')
    verdicts.failed('W-97', `An order for a meter that it does not have ended as '${result.outcome}'.`);
}

/** Rows of the order in blocks that came for the first time since. */
function rowsOf({ watch }: Examiner, { meterId, obis, fromMs }: RereadOrder, from: number): readonly SeenRow[] {
  const isMeant = (row: SeenRow) => row.meterId === meterId && row.atMs === fromMs && row.obis.join() === obis.join();
  return watch.rows.slice(from).filter((row) => row.isFirstTime && isMeant(row));
}

/**
 * Command reports that no single block can hold: split into consecutive records by who writes the lane, joined again by who
 * reads it. All parts go into one batch of the journal, so they follow each other in their lane (W-58).
 */
import { concat } from '../base/bytes.ts';
import type { CommandReport, ObjectValue } from '../model/command.ts';
import { COMMAND_PARTS_MAX, PART_TEXT_MAX_CHARACTERS } from './limits.ts';

/** Octets that lengths on the way to `raw` may grow by. */
const LENGTHS_OCTETS = 8;
/** Less of an answer than this is not worth its frame: it begins in the next part. */
const PIECE_MIN_OCTETS = 32;

/**
 * The report in parts of at most `maxOctets` each as `octetsOf` measures them, the last one with its code, sentence and
 * relay and no values. Just the report when it fits, or when it would take more than COMMAND_PARTS_MAX parts.
 */
export function splitReport(
  report: CommandReport,
  maxOctets: number,
  octetsOf: (report: CommandReport) => number,
): readonly CommandReport[] {
  if (octetsOf(report) <= maxOctets) return [report];
  const { relay: _relay, ...rest } = report;
  const bare = { ...rest, code: '', sentence: '' };
  const widest = { number: COMMAND_PARTS_MAX, of: COMMAND_PARTS_MAX };
  const room = (values: readonly ObjectValue[]) =>
    maxOctets - LENGTHS_OCTETS - octetsOf({ ...bare, values, part: widest });
  const parts: ObjectValue[][] = [];
  let current: ObjectValue[] = [];
  const next = () => {
    parts.push(current);
    current = [];
  };
  for (const value of report.values) {
    let left: ObjectValue | null = withShortText(value);
    while (left !== null) {
      const free = room([...current, { ...left, raw: left.raw.subarray(0, 0) }]);
      if (left.raw.length <= free) {
        current.push(left);
        left = null;
      } else if (free >= PIECE_MIN_OCTETS) {
        const { classId, obis, attribute, result, raw }: ObjectValue = left;
        current.push({ ...left, raw: raw.subarray(0, free) });
        left = { classId, obis, attribute, result, raw: raw.subarray(free), continued: true };
        next();
      } else if (current.length === 0) return [report];
      else next();
      if (parts.length >= COMMAND_PARTS_MAX - 2) return [report];
    }
  }
  next();
  const of = parts.length + 1;
  const last = { ...report, values: [], part: { number: of - 1, of } };
  return [...parts.map((values, number) => ({ ...bare, values, part: { number, of } })), last];
}

function withShortText(value: ObjectValue): ObjectValue {
  const { text } = value;
  if (text === undefined || text.length <= PART_TEXT_MAX_CHARACTERS) return value;
  return { ...value, text: `${[...text].slice(0, PART_TEXT_MAX_CHARACTERS - 1).join('')}…` };
}

/** Whether more parts of this report follow: it is no news yet. */
export function isUnfinished({ part }: CommandReport): boolean {
  return part !== undefined && part.number < part.of - 1;
}

/**
 * What is kept of a report when `next` comes after `before` (same command, same state); null = what is kept stays. A
 * report that is whole stays as it is, so that a repeat changes nothing; a first part begins anew. When a part was lost
 * its report ends without values and says so, until a repeat brings them.
 */
export function joinReport(before: CommandReport | undefined, next: CommandReport): CommandReport | null {
  const { part, ...whole } = next;
  if (before !== undefined && before.part === undefined) return null;
  if (part === undefined) return whole;
  if (part.number === 0) return next;
  if (before?.part?.number === part.number - 1 && before.part.of === part.of) {
    const joined = { ...whole, values: joinValues(before.values, next.values) };
    return isUnfinished(next) ? { ...joined, part } : joined;
  }
  if (isUnfinished(next)) return null;
  return { ...next, sentence: `${next.sentence} Its values did not all arrive.`, values: [] };
}

function joinValues(before: readonly ObjectValue[], next: readonly ObjectValue[]): ObjectValue[] {
  const values = [...before];
  for (const { continued, ...value } of next) {
    const last = values.at(-1);
    if (continued !== true || last === undefined) values.push(value);
    else values[values.length - 1] = { ...last, raw: concat([last.raw, value.raw]) };
  }
  return values;
}

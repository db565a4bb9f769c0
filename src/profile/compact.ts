/**
 * Readings out of compact data (class 62). What a value is says the meter itself: the capture objects name each field, the
 * template gives its type; the profile says which registers must be among them. Asked for together, capture objects and template
 * first and last, so that a set-up that changed in between is seen; a value is never taken for another one by its place.
 */
import { concat, sameOctets } from '../base/bytes.ts';
import type { Data } from '../dlms/axdr/data.ts';
import { dataToOctets } from '../dlms/axdr/decode.ts';
import { type CaptureObject, captureObjectsOf } from '../dlms/cosem/capture-object.ts';
import { compactRowsOf } from '../dlms/cosem/compact-data.ts';
import { isDlmsError } from '../dlms/errors.ts';
import { clockRequest, plainRequest, type ReadRequest } from './plan.ts';
import type { ReadContext, ReadoutGroup, ReadoutProblem } from './readout.ts';
import { readRegisters, registerTime } from './register-readout.ts';
import type { CompactRule, Profile } from './schema/profile.ts';

const COMPACT_DATA = 62;
const BUFFER = 2;
const CAPTURE_OBJECTS = 3;
const TEMPLATE = 5;
const METHOD = 6;
const CLOCK_CLASS = 8;
const VALUE = 2;
/** capture_method: the buffer is filled when it is read. */
const IMPLICIT = 1;

/** What is asked, in the order in which {@link readCompact} takes the answers. */
export function compactRequests(profile: Profile, rule: CompactRule): readonly ReadRequest[] {
  const of = (attribute: number) => plainRequest(COMPACT_DATA, rule.obis, attribute);
  const clock = profile.clock.obis === null ? [] : [clockRequest(profile.clock.obis)];
  return [of(CAPTURE_OBJECTS), of(TEMPLATE), of(METHOD), ...clock, of(BUFFER), of(CAPTURE_OBJECTS), of(TEMPLATE)];
}

/** What came of compact data. */
export type CompactReadout =
  | {
      readonly kind: 'read';
      readonly groups: readonly ReadoutGroup[];
      /** Time of the newest row, the next watermark; null when there was none above the old one. */
      readonly newestAtMs: number | null;
      readonly problems: readonly ReadoutProblem[];
      /** Octets of capture objects and template: another value = the meter was set up anew. */
      readonly form: Uint8Array;
    }
  /** The meter's compact data is not what the profile says; nothing of it can be believed. */
  | { readonly kind: 'mismatch'; readonly sentence: string };

/**
 * Readings of the rows above the watermark. `answers` are those to {@link compactRequests}, null = refused; a row without a
 * usable time of its own is from now when the meter fills the buffer at reading, and left out and told otherwise.
 */
export function readCompact(
  profile: Profile,
  rule: CompactRule,
  answers: readonly (Data | null)[],
  context: ReadContext & { readonly nowMs: number },
  watermarkMs: number | null,
): CompactReadout {
  const [first, template, method, ...rest] = answers;
  const clock = profile.clock.obis === null ? null : (rest.shift() ?? null);
  const [buffer, lastObjects, lastTemplate] = rest;
  if (first == null || template?.type !== 'octet-string' || buffer?.type !== 'octet-string')
    return mismatch(`The meter does not tell what ${rule.obis} holds.`);
  const form = concat([dataToOctets(first), dataToOctets(template)]);
  if (!sameOctets(form, concat([lastObjects, lastTemplate].map((data) => dataToOctets(data ?? NULL_DATA)))))
    return mismatch(`${rule.obis} was set up anew while it was read.`);
  const decoded = decodedOf(rule, first, { template: template.value, buffer: buffer.value });
  if (typeof decoded === 'string') return mismatch(decoded);
  const missing = rule.registers.find((register) => !decoded.objects.some((object) => isRegister(object, register)));
  if (missing !== undefined) return mismatch(`${rule.obis} of the meter does not hold ${missing.name}.`);
  const isFresh = method?.type === 'enum' && method.value === IMPLICIT;
  const reader = new RowReader(profile, rule, decoded.objects, context, isFresh ? clock : undefined);
  decoded.rows.forEach((row, index) => {
    reader.take(row, index, watermarkMs);
  });
  const { groups, newestAtMs, problems } = reader;
  return { kind: 'read', groups, newestAtMs, problems, form };
}

function mismatch(sentence: string): CompactReadout {
  return { kind: 'mismatch', sentence };
}

interface Decoded {
  readonly objects: readonly CaptureObject[];
  readonly rows: readonly (readonly Data[])[];
}

function decodedOf(rule: CompactRule, objects: Data, data: Parameters<typeof compactRowsOf>[0]): Decoded | string {
  try {
    const captured = captureObjectsOf(objects);
    const rows = compactRowsOf(data);
    const odd = rows.find((row) => row.length !== captured.length);
    return odd === undefined
      ? { objects: captured, rows }
      : `The template of ${rule.obis} has ${odd.length} fields for ${captured.length} capture objects.`;
  } catch (error) {
    if (isDlmsError(error)) return `${rule.obis} cannot be read by its own template: ${error.message}`;
    throw error;
  }
}

function isRegister(object: CaptureObject, register: CompactRule['registers'][number]): boolean {
  return (
    object.classId === register.classId &&
    object.instanceId === register.obis &&
    object.attributeId === register.attribute &&
    object.dataIndex === 0
  );
}

class RowReader {
  readonly groups: ReadoutGroup[] = [];
  readonly problems: ReadoutProblem[] = [];
  newestAtMs: number | null = null;

  constructor(
    private readonly profile: Profile,
    private readonly rule: CompactRule,
    private readonly objects: readonly CaptureObject[],
    private readonly context: ReadContext & { readonly nowMs: number },
    /** The clock at reading; undefined = rows are older than that. */
    private readonly clock: Data | null | undefined,
  ) {}

  take(row: readonly Data[], index: number, watermarkMs: number | null): void {
    const { profile, context } = this;
    const clockAt = this.objects.findIndex(
      ({ classId, instanceId, attributeId, dataIndex }) =>
        classId === CLOCK_CLASS && instanceId === profile.clock.obis && attributeId === VALUE && dataIndex === 0,
    );
    const clock = clockAt === -1 ? this.clock : (row[clockAt] ?? null);
    const time = clock === undefined ? null : registerTime(profile, clock, context);
    // The time of reading is that of the row only when the row was made then.
    if (clock === undefined || time === null || (time.quality === 'no-meter-time' && this.clock === undefined)) {
      this.problems.push({ index, sentence: `A row of ${this.rule.obis} does not say when it was captured.` });
      return;
    }
    if (watermarkMs !== null && time.atMs <= watermarkMs) return;
    const answers = this.rule.registers.map((register) => ({
      register,
      value: row[this.objects.findIndex((object) => isRegister(object, register))] ?? NULL_DATA,
    }));
    const { groups, problems } = readRegisters(profile, answers, clock, context);
    this.groups.push(...groups);
    this.problems.push(...problems);
    this.newestAtMs = Math.max(this.newestAtMs ?? time.atMs, time.atMs);
  }
}

const NULL_DATA: Data = { type: 'null-data' };

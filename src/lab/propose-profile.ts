/**
 * A proposal of a meter profile from a scan: YAML in the form of `config/profiles`, ready to be edited.
 *
 * Names come from the OBIS codes, units, exponents and types from the objects, periods from the buffers. What a meter does
 * not tell is not guessed: meanings of status bits and event codes are left empty, the meaning of its clock's deviation is
 * the standard's, and what does not fit a profile (a buffer without a fixed period, a value without a unit) is a comment.
 */

import type { CaptureObject } from '../dlms/cosem/capture-object.ts';
import { mediumOf, type ObisMedium, obisName } from '../dlms/cosem/obis-names.ts';
import { UNIT_NONE, unitOf } from '../dlms/cosem/units.ts';
import { VALUE_TYPES } from '../profile/schema/profile.ts';
import type { ClientScan, ScannedBuffer, ScannedObject } from './scan-meter.ts';

/** Names that the meter does not know. */
export interface ProposalNames {
  readonly vendor: string;
  readonly model: string;
}

const REGISTER_CLASSES: readonly number[] = [3, 4, 5];
const DATA_CLASS = 1;
const CLOCK_CLASS = 8;
const IMAGE_CLASS = 18;
const DISCONNECT_CLASS = 70;
const VALUE = 2;
const DAY_S = 86_400;
const INTERVAL_MIN_S = 60;
const EXPONENT_MAX = 12;
const CONTROL_MODE_MAX = 7;
const BUFFER_ROWS_MAX = 100_000;
const COLUMNS_MAX = 64;
const EVENT_COLUMNS_MAX = 16;
const PUBLIC_CLIENT = 16;
const CLIENT_MAX = 127;
const TYPE_DEFAULT = 'double-long-unsigned';
/** Letters of the manufacturer in front of a logical device name (DLMS UA, FLAG id). */
const FLAG_LETTERS = 3;
const BILLING_QUANTITIES: readonly string[] = ['energy', 'volume'];
const LOGICAL_DEVICE_NAME = '0-0:42.0.0*255';
/** Texts that tell a meter from another, by the name of their OBIS code. */
const IDENTITY_NAMES: readonly string[] = [
  'logical-device-name',
  'serial-number',
  'meter-number',
  'meter-type',
  'firmware',
];

/** The text of a profile file; null when none of the clients sees a register, which a profile is about. */
export function proposeProfile(scans: readonly ClientScan[], names: ProposalNames): string | null {
  const hasRegister = scans.some(({ objects }) => objects.some(isRegister));
  return hasRegister ? new Proposal(scans, names).text() : null;
}

class Proposal {
  readonly #objects: readonly ScannedObject[];
  /** Names by OBIS, and the objects that have them. */
  readonly #registers = new Map<string, string>();
  readonly #registerRows: ScannedObject[] = [];
  readonly #lines: string[] = [];
  readonly #taken = new Set<string>();

  constructor(
    private readonly scans: readonly ClientScan[],
    private readonly names: ProposalNames,
  ) {
    this.#objects = mergedObjects(scans);
    for (const object of this.#objects) {
      if (!isRegister(object) || this.#registers.has(object.obis)) continue;
      this.#registers.set(object.obis, this.#freshName(object));
      this.#registerRows.push(object);
    }
  }

  text(): string {
    this.#head();
    this.#transport();
    this.#clients();
    this.#clock();
    this.#write('', 'registers:', ...this.#registerRows.map((object) => this.#registerRow(object)));
    this.#bufferRows();
    this.#attributes();
    this.#eventLogs();
    this.#relay();
    this.#firmware();
    return `${this.#lines.join('\n')}\n`;
  }

  #write(...lines: string[]): void {
    this.#lines.push(...lines);
  }

  #head(): void {
    const { vendor, model } = this.names;
    this.#write(
      '# Proposed from what the meter says of itself. Check names, value classes, status bits and event codes before use.',
      `vendor: ${vendor}`,
      `model: ${model}`,
      `title: ${vendor} ${model}, as scanned`,
      `medium: ${this.#medium()}`,
    );
    const name = this.#objects.find(({ obis }) => obis === LOGICAL_DEVICE_NAME)?.text ?? '';
    if (/^[A-Za-z]{3}/.test(name)) {
      this.#write('', 'recognise:', `  logicalDeviceName: ${JSON.stringify(`^${name.slice(0, FLAG_LETTERS)}`)}`);
    }
  }

  #medium(): ObisMedium {
    const media = this.#registerRows.flatMap(({ obis }) => mediumOf(obis) ?? []);
    return media[0] ?? 'electricity';
  }

  #transport(): void {
    const [scan] = this.scans;
    if (scan === undefined) return;
    const { logical, physical } = scan.server;
    if (scan.referencing === 'short') this.#write('', 'referencing: short');
    if (scan.framing === 'wrapper') {
      this.#write('', 'wrapper:', `  logicalDevice: ${logical}`);
      return;
    }
    const isShort = logical < 0x80 && (physical ?? 0) < 0x80;
    const octets = physical === undefined && isShort ? 1 : isShort ? 2 : 4;
    this.#write('', 'hdlc:', `  addressOctets: ${octets}`, `  logicalDevice: ${logical}`);
    this.#write(`  physicalDevice: ${physical ?? 0} # or a formula of the serial number: serial % 10000 + 1000`);
  }

  #clients(): void {
    const scans = this.scans.filter(({ client }) => client <= CLIENT_MAX);
    this.#write('', 'clients:');
    for (const scan of scans) {
      const isPublic = scan.client === PUBLIC_CLIENT;
      const uses = usesOf(scan);
      const name = isPublic ? 'public' : `client-${scan.client}`;
      this.#write(
        `  - { name: ${name}, address: ${scan.client}, security: ${scan.security}, uses: [${uses.join(', ')}] }`,
      );
    }
  }

  #clock(): void {
    const clock = this.#objects.find(({ classId }) => classId === CLOCK_CLASS);
    if (clock !== undefined)
      this.#write('', 'clock:', `  obis: ${shortObis(clock.obis)}`, '  deviation: utc-minus-local');
  }

  #registerRow(object: ScannedObject): string {
    const { classId, obis, scalerUnit } = object;
    const name = this.#registers.get(obis) ?? '';
    const type = VALUE_TYPES.find((each) => each === object.valueType) ?? TYPE_DEFAULT;
    const exponent = scalerUnit?.scaler ?? 0;
    const unit = scalerUnit === null || scalerUnit.unit === UNIT_NONE ? null : unitOf(scalerUnit.unit);
    const fields = [
      `name: ${name}`,
      `obis: ${shortObis(obis)}`,
      ...(classId === 3 ? [] : [`class: ${classId}`]),
      ...(type === TYPE_DEFAULT ? [] : [`type: ${type}`]),
      `exponent: ${exponent}`,
      `unit: ${unit === null || unit === undefined ? '""' : yamlWord(unit.symbol)}`,
      `valueClass: ${BILLING_QUANTITIES.includes(unit?.quantity ?? '') ? 'billing' : 'low-value'}`,
    ];
    const doubt = scalerUnit === null ? ' # the meter gave no scaler and unit' : '';
    return `  - { ${fields.join(', ')} }${doubt}`;
  }

  #bufferRows(): void {
    const buffers = this.#objects.filter((object) => object.buffer !== null && !isEventLog(object));
    const usable = buffers.filter((object) => object.buffer !== null && this.#isCollectable(object.buffer));
    const left = buffers.filter((object) => !usable.includes(object));
    const statuses = usable.flatMap(({ buffer }) => (buffer === null ? [] : (this.#statusOf(buffer) ?? [])));
    if (statuses.length > 0) {
      this.#write(
        '',
        '# What the bits of a status mean, the meter does not tell: { bit, name, quality }.',
        'statusBits:',
      );
      this.#write('  unknown: []');
    }
    if (usable.length > 0) this.#write('', 'profiles:');
    for (const { obis, buffer } of usable) if (buffer !== null) this.#bufferRow(obis, buffer);
    for (const { obis, buffer } of left) {
      this.#write(
        `# ${obis} is left out: a profile needs a clock, a register and a period from 60 s to a day (${buffer?.periodS ?? 'none'} s).`,
      );
    }
  }

  #isCollectable({ columns, periodS }: ScannedBuffer): boolean {
    const hasClock = columns.some(isClock);
    const hasRegister = columns.some((column) => this.#registerOf(column) !== undefined);
    const hasPeriod = periodS !== null && periodS >= INTERVAL_MIN_S && periodS <= DAY_S;
    return hasClock && hasRegister && hasPeriod && columns.length <= COLUMNS_MAX;
  }

  #bufferRow(obis: string, buffer: ScannedBuffer): void {
    const status = this.#statusOf(buffer);
    this.#write(
      `  - name: ${bufferName(obis)}`,
      `    obis: ${shortObis(obis)}`,
      `    intervalS: ${buffer.periodS}`,
      `    rows: ${Math.min(Math.max(buffer.rowsMax ?? 1, 1), BUFFER_ROWS_MAX)}`,
      '    columns:',
      ...buffer.columns.map((column) => `      - ${this.#columnText(column, status)}`),
    );
    if (status !== undefined) this.#write(`    status: { obis: ${shortObis(status.instanceId)}, bits: unknown }`);
  }

  /** The first column that is a plain data object next to registers: load profiles have their status there. */
  #statusOf({ columns }: ScannedBuffer): CaptureObject | undefined {
    return columns.find(({ classId, attributeId }) => classId === DATA_CLASS && attributeId === VALUE);
  }

  #columnText(column: CaptureObject, status: CaptureObject | undefined): string {
    if (isClock(column)) return 'clock';
    if (column === status) return 'status';
    const { instanceId, classId, attributeId } = column;
    return (
      this.#registerOf(column) ?? `{ ignore: ${shortObis(instanceId)}, class: ${classId}, attribute: ${attributeId} }`
    );
  }

  #registerOf({ classId, instanceId, attributeId }: CaptureObject): string | undefined {
    const isValue = REGISTER_CLASSES.includes(classId) && attributeId === VALUE;
    return isValue ? this.#registers.get(instanceId) : undefined;
  }

  #attributes(): void {
    const known = this.#objects.filter(
      ({ classId, text, obis }) =>
        classId === DATA_CLASS && text !== null && IDENTITY_NAMES.includes(obisName(obis) ?? ''),
    );
    if (known.length > 0) this.#write('', 'attributes:');
    for (const object of known)
      this.#write(`  - { name: ${this.#freshName(object)}, obis: ${shortObis(object.obis)} }`);
  }

  #eventLogs(): void {
    const logs = this.#objects.filter(isEventLog);
    if (logs.length === 0) return;
    this.#write('', 'eventLogs:');
    for (const { obis, buffer } of logs) {
      const code = buffer?.columns.find(({ classId }) => classId === DATA_CLASS);
      if (buffer === null || code === undefined) continue;
      const columns = buffer.columns.map((column) => (isClock(column) ? 'clock' : column === code ? 'code' : 'ignore'));
      this.#write(
        `  - name: ${bufferName(obis)}`,
        `    obis: ${shortObis(obis)}`,
        `    rows: ${Math.min(Math.max(buffer.rowsMax ?? 1, 1), BUFFER_ROWS_MAX)}`,
        `    columns: [${columns.join(', ')}]`,
        `    codeObis: ${shortObis(code.instanceId)}`,
        '    codes: unknown',
      );
    }
    this.#write(
      '',
      '# What the codes mean, the meter does not tell: { code, name, sentence, severity }.',
      'eventCodes:',
    );
    this.#write('  unknown: []');
  }

  #relay(): void {
    const relay = this.#objects.find(({ classId }) => classId === DISCONNECT_CLASS);
    if (relay === undefined) return;
    const mode = Math.min(relay.controlMode ?? 0, CONTROL_MODE_MAX);
    const doubt = relay.controlMode === null ? ' # not readable: 0 = no order is allowed' : '';
    this.#write('', 'relay:', `  obis: ${shortObis(relay.obis)}`, `  controlMode: ${mode}${doubt}`);
  }

  #firmware(): void {
    const image = this.#objects.find(({ classId }) => classId === IMAGE_CLASS);
    if (image !== undefined) this.#write('', 'firmware:', `  obis: ${shortObis(image.obis)}`);
  }

  /** The name of the code, or its digits; numbered when another object has it. */
  #freshName({ obis }: ScannedObject): string {
    const base = obisName(obis) ?? `obis-${digitsOf(obis)}`;
    const name = this.#taken.has(base) ? `${base}-${digitsOf(obis)}` : base;
    this.#taken.add(name);
    return name;
  }
}

/** What any of the clients sees; of an object that several see, the one with the most facts. */
function mergedObjects(scans: readonly ClientScan[]): readonly ScannedObject[] {
  const merged = new Map<string, ScannedObject>();
  for (const object of scans.flatMap(({ objects }) => objects)) {
    const key = `${object.classId}/${object.obis}`;
    const known = merged.get(key);
    if (known === undefined || factsOf(object) > factsOf(known)) merged.set(key, object);
  }
  return [...merged.values()];
}

function factsOf({ valueType, scalerUnit, buffer, text, controlMode }: ScannedObject): number {
  return [valueType, scalerUnit, buffer, text, controlMode].filter((fact) => fact !== null).length;
}

/** A metered value that a profile can hold: its exponent is in range. */
function isRegister({ classId, scalerUnit }: ScannedObject): boolean {
  return REGISTER_CLASSES.includes(classId) && Math.abs(scalerUnit?.scaler ?? 0) <= EXPONENT_MAX;
}

function isClock({ classId, attributeId }: CaptureObject): boolean {
  return classId === CLOCK_CLASS && attributeId === VALUE;
}

/** A buffer of clock and codes: no register in it, one data object at least. */
function isEventLog({ buffer }: ScannedObject): boolean {
  if (buffer === null || buffer.columns.length > EVENT_COLUMNS_MAX) return false;
  const { columns } = buffer;
  const hasRegister = columns.some(({ classId }) => REGISTER_CLASSES.includes(classId));
  return !hasRegister && columns.some(isClock) && columns.some(({ classId }) => classId === DATA_CLASS);
}

function usesOf({ objects, client }: ClientScan): readonly string[] {
  if (!objects.some(isRegister)) return ['identify'];
  const controls = objects.some(
    ({ classId, methods }) => classId === DISCONNECT_CLASS && methods.some(({ canInvoke }) => canInvoke),
  );
  return controls && client !== PUBLIC_CLIENT ? ['identify', 'read', 'control'] : ['identify', 'read'];
}

/** `1-0:99.1.0*255` to `load-profile`, or to its digits. */
function bufferName(obis: string): string {
  return obisName(obis as ScannedObject['obis']) ?? `buffer-${digitsOf(obis)}`;
}

function digitsOf(obis: string): string {
  return shortObis(obis).replace(/\D+/g, '-');
}

/** Without `*255`, as profiles are written. */
function shortObis(obis: string): string {
  return obis.replace(/\*255$/, '');
}

/** A symbol as YAML takes it: quoted where it is no plain word. */
function yamlWord(symbol: string): string {
  return /^[A-Za-z][A-Za-z0-9/]*$/.test(symbol) ? symbol : JSON.stringify(symbol);
}

/**
 * From a file of the right shape to a profile: defaults, canonical OBIS codes, names looked up. Reports every name that
 * does not exist, every name used twice and everything that contradicts itself, all at once.
 */
import { DeltawattError } from '../../base/errors.ts';
import type { Problem } from '../../base/problems.ts';
import { SLICE_DAYS_DEFAULT, SLICE_ROWS_MIN } from '../limits.ts';
import { parseFormula } from './formula.ts';
import type {
  AttributeRule,
  BufferColumn,
  BufferRule,
  ClockRule,
  CompactRule,
  EventLogRule,
  FirmwareRule,
  HdlcRule,
  Profile,
  PushRule,
  PushTarget,
  RegisterRule,
  RelayRule,
  StatusRule,
  Through,
} from './profile.ts';
import type { ProfileFile } from './shape.ts';

const CLOCK_OBIS = '0-0:1.0.0*255';
const PRESENT = { function: 'instantaneous', storage: 0, tariff: 0, subunit: 0 } as const;
/** DSMR and IDIS meters have four. */
const MBUS_CHANNELS = 4;
const DLMS_PORT = 4059;
/** Wait before a relay is read back, when the profile does not say, ms. */
const SETTLE_MS = 3_000;
/** Contact voltage that may stand for ever (IEC 60364-4-41: 50 V): above it the load is live. */
const LOAD_LIVE_V = 50;
/** As often as a load profile usually has a row. */
const COMPACT_PERIOD_S = 900;
const IMAGE_OBIS = '0-0:44.0.0*255';
/** Field practice is 60 s; large images over slow flash take minutes. */
const VERIFY_MAX_S = 300;
/** The meter restarts meanwhile. */
const ACTIVATE_MAX_S = 900;

/** A profile, or the problems of its file. */
export type ParsedProfile =
  | { readonly ok: true; readonly profile: Profile }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Resolves a file. */
export function resolveProfile(file: ProfileFile): ParsedProfile {
  const resolver = new Resolver(file);
  const profile = resolver.resolve();
  return resolver.problems.length === 0 ? { ok: true, profile } : { ok: false, problems: resolver.problems };
}

/** The one spelling of an OBIS code, with the F group; null when a group is above 255. */
export function canonicalObis(text: string): string | null {
  const groups = text.split(/[-:.*]/).map(Number);
  if (groups.length === 5) groups.push(255);
  if (groups.length !== 6 || groups.some((group) => !Number.isInteger(group) || group < 0 || group > 255)) return null;
  const [a, b, c, d, e, f] = groups;
  return `${a}-${b}:${c}.${d}.${e}*${f}`;
}

class Resolver {
  readonly problems: Problem[] = [];
  readonly #registers = new Map<string, RegisterRule>();
  readonly #attributes = new Map<string, AttributeRule>();

  constructor(private readonly file: ProfileFile) {}

  resolve(): Profile {
    const file = this.file;
    const registers = file.registers.map((_, at) => this.#register(at));
    const attributes = (file.attributes ?? []).map((_, at) => this.#attribute(at));
    this.#unique('clients', file.clients ?? [], (client) => client.name);
    return {
      key: `${file.vendor}/${file.model}`,
      vendor: file.vendor,
      model: file.model,
      title: file.title,
      medium: file.medium,
      through: this.#through(),
      recognise: {
        logicalDeviceName: this.#pattern('recognise.logicalDeviceName', file.recognise?.logicalDeviceName),
        typeText: this.#pattern('recognise.typeText', file.recognise?.typeText),
      },
      hdlc: this.#hdlc(),
      wrapper: file.wrapper === undefined ? null : { port: DLMS_PORT, ...file.wrapper },
      referencing: file.referencing ?? 'logical',
      clients: file.clients ?? [],
      clock: this.#clock(),
      registers,
      buffers: (file.profiles ?? []).map((_, at) => this.#buffer(at)),
      compact: (file.compact ?? []).map((_, at) => this.#compact(at)),
      attributes,
      eventLogs: (file.eventLogs ?? []).map((_, at) => this.#eventLog(at)),
      relay: this.#relay(),
      firmware: this.#firmware(),
      mbus: file.mbus === undefined ? null : { channels: MBUS_CHANNELS, ...file.mbus },
      ascii: file.through === 'ascii' ? { command: 'R5', timeDigits: 11, ...file.ascii } : null,
      push: (file.push ?? []).map((_, at) => this.#push(at)),
      quirks: (file.quirks ?? []).map((quirk) => ({
        name: quirk.name,
        sentence: quirk.sentence,
        firmwareFrom: quirk.firmwareFrom ?? null,
        firmwareTo: quirk.firmwareTo ?? null,
      })),
    };
  }

  #hdlc(): HdlcRule | null {
    const hdlc = this.file.hdlc;
    if (hdlc === undefined) return null;
    const text = String(hdlc.physicalDevice);
    let physicalDevice: HdlcRule['physicalDevice'] = { text, addressOf: () => 0 };
    try {
      physicalDevice = parseFormula(text);
    } catch (error) {
      if (!(error instanceof DeltawattError)) throw error;
      this.#note('hdlc.physicalDevice', error.message);
    }
    return { informationMaxOctets: 128, window: 1, ...hdlc, physicalDevice };
  }

  /** A meter that is not asked in an association has no clients, orders and pushes of its own. */
  #through(): Through | null {
    const { through = null } = this.file;
    this.#registersOf(
      'record',
      'mbus',
      'Registers of meters on a wired M-Bus (through: mbus) have a record, others none.',
    );
    this.#registersOf(
      'modbus',
      'modbus',
      'Registers of Modbus devices (through: modbus) have a place in its map, others none.',
    );
    for (const [at, { line }] of this.file.registers.entries())
      if (line !== undefined && through !== 'ascii')
        this.#note(`registers[${at}].line`, 'Only meters that speak ASCII (through: ascii) have lines.');
    if (this.file.ascii !== undefined && through !== 'ascii')
      this.#note('ascii', 'Only meters that speak ASCII (through: ascii) have this: take it away.');
    if (through === null) return null;
    if ((through === 'mbus' || through === 'modbus') && this.file.profiles !== undefined)
      this.#note(
        'through',
        'A meter on a wired M-Bus or on Modbus has neither profiles nor attributes: take them away.',
      );
    if (through !== 'mbus-client' && this.file.attributes !== undefined)
      this.#note('attributes', `A meter with through: ${through} has none: take them away.`);
    for (const part of [
      'clients',
      'hdlc',
      'wrapper',
      'relay',
      'firmware',
      'mbus',
      'push',
      'eventLogs',
      'compact',
    ] as const)
      if (this.file[part] !== undefined)
        this.#note(
          part,
          'A meter that is read through another one, or without an association, has none: take this away.',
        );
    return through;
  }

  /** What every register of such a meter has, and none of another. */
  #registersOf(key: 'record' | 'modbus', through: Through, sentence: string): void {
    const isThrough = this.file.through === through;
    for (const [at, register] of this.file.registers.entries())
      if ((register[key] !== undefined) !== isThrough) this.#note(`registers[${at}].${key}`, sentence);
  }

  #clock(): ClockRule {
    const clock = this.file.clock ?? {};
    return {
      deviation: clock.deviation ?? 'utc-minus-local',
      timeZone: clock.timeZone ?? 'site',
      daylightBit: clock.daylightBit ?? true,
      rangeDeviation: clock.rangeDeviation ?? 'as-clock',
      toleranceS: clock.toleranceS ?? 30,
      setMaxS: clock.setMaxS ?? 3600,
      obis:
        this.file.clients === undefined && this.file.through === undefined
          ? null
          : this.#obis('clock.obis', clock.obis ?? CLOCK_OBIS),
    };
  }

  #relay(): RelayRule | null {
    const { relay } = this.file;
    if (relay === undefined) return null;
    const { loadVoltage: load, settleMs = SETTLE_MS, controlMode } = relay;
    const register = load === undefined ? undefined : this.#registers.get(load.register);
    if (load !== undefined && register?.unit !== 'V')
      this.#note('relay.loadVoltage.register', `There is no register ${load.register} in V: add it under registers.`);
    return {
      obis: this.#obis('relay.obis', relay.obis),
      controlMode,
      settleMs,
      loadVoltage: register === undefined ? null : { register, maxV: load?.maxV ?? LOAD_LIVE_V },
    };
  }

  #firmware(): FirmwareRule | null {
    const { firmware } = this.file;
    if (firmware === undefined) return null;
    const { version: name, info = 'required' } = firmware;
    const version = name === undefined ? null : (this.#attributes.get(name) ?? null);
    if (name !== undefined && version === null) this.#note('firmware.version', `There is no attribute ${name}.`);
    return {
      obis: this.#obis('firmware.obis', firmware.obis ?? IMAGE_OBIS),
      version,
      info,
      verifyMaxMs: (firmware.verifyMaxS ?? VERIFY_MAX_S) * 1000,
      activateMaxMs: (firmware.activateMaxS ?? ACTIVATE_MAX_S) * 1000,
      broadcastPauseMs: firmware.broadcastPauseMs ?? null,
    };
  }

  #register(at: number): RegisterRule {
    const path = `registers[${at}]`;
    const { class: classId, ...row } = this.file.registers[at] as ProfileFile['registers'][number];
    const register: RegisterRule = {
      attribute: 2,
      type: 'double-long-unsigned',
      periodS: 0,
      scalerUnit: 'profile',
      ...row,
      obis: this.#obis(`${path}.obis`, row.obis),
      storedAs: this.#obis(`${path}.storedAs`, row.storedAs ?? row.obis),
      classId: classId ?? 3,
      record: row.record === undefined ? null : { ...PRESENT, ...row.record },
      line: row.line ?? null,
      modbus: row.modbus === undefined ? null : { function: 4, words: 'high-first', ...row.modbus },
    };
    if (this.#registers.has(register.name)) this.#note(`${path}.name`, `The name ${register.name} is used twice.`);
    for (const other of this.#registers.values()) {
      if (other.obis === register.obis) this.#note(`${path}.obis`, `${register.obis} is already ${other.name}.`);
      else if (other.storedAs === register.storedAs)
        this.#note(`${path}.storedAs`, `${register.storedAs} is already ${other.name}.`);
    }
    this.#registers.set(register.name, register);
    return register;
  }

  #attribute(at: number): AttributeRule {
    const path = `attributes[${at}]`;
    const row = (this.file.attributes ?? [])[at] as NonNullable<ProfileFile['attributes']>[number];
    const attribute: AttributeRule = {
      name: row.name,
      obis: this.#obis(`${path}.obis`, row.obis),
      classId: row.class ?? 1,
      attribute: row.attribute ?? 2,
      form: row.form ?? 'text',
    };
    if (this.#attributes.has(row.name) || this.#registers.has(row.name)) {
      this.#note(`${path}.name`, `The name ${row.name} is used twice.`);
    }
    this.#attributes.set(row.name, attribute);
    return attribute;
  }

  #buffer(at: number): BufferRule {
    const path = `profiles[${at}]`;
    const row = (this.file.profiles ?? [])[at] as NonNullable<ProfileFile['profiles']>[number];
    const columns = row.columns.map((column, index) => this.#column(`${path}.columns[${index}]`, column));
    const status = this.#status(path, row.status);
    if (!columns.some((column) => column.kind === 'clock')) this.#note(`${path}.columns`, 'A column must be clock.');
    if (!columns.some((column) => column.kind === 'register'))
      this.#note(`${path}.columns`, 'A column must be a register.');
    if (columns.some((column) => column.kind === 'status') !== (status !== null)) {
      this.#note(`${path}.status`, 'A status column needs a status table, and a table needs its column.');
    }
    return {
      stamp: 'end',
      order: 'oldest-first',
      nullData: 'inherit',
      access: 'range',
      ...row,
      obis: this.#obis(`${path}.obis`, row.obis),
      columns,
      status,
      sliceRows: row.sliceRows ?? Math.max(SLICE_ROWS_MIN, Math.floor((SLICE_DAYS_DEFAULT * 86_400) / row.intervalS)),
      periodS: row.periodS ?? row.intervalS,
    };
  }

  #compact(at: number): CompactRule {
    const path = `compact[${at}]`;
    const row = (this.file.compact ?? [])[at] as NonNullable<ProfileFile['compact']>[number];
    if (this.file.clients === undefined) this.#note(path, 'Compact data is read, so the meter needs a client.');
    this.#unique(`${path}.registers`, row.registers, (name) => name);
    const registers = row.registers.flatMap((name) => {
      const register = this.#registers.get(name);
      if (register === undefined)
        this.#note(`${path}.registers`, `No register is called ${name}: add it under registers.`);
      return register ?? [];
    });
    return {
      name: row.name,
      obis: this.#obis(`${path}.obis`, row.obis),
      registers,
      periodS: row.periodS ?? COMPACT_PERIOD_S,
    };
  }

  #column(path: string, column: NonNullable<ProfileFile['profiles']>[number]['columns'][number]): BufferColumn {
    if (typeof column !== 'string') {
      const obis = this.#obis(path, column.ignore);
      return { kind: 'ignore', obis, classId: column.class, attribute: column.attribute };
    }
    if (column === 'clock' || column === 'status') return { kind: column };
    const register = this.#registers.get(column);
    if (register !== undefined) return { kind: 'register', register };
    this.#note(path, `No register is called ${column}: add it under registers, or write clock or status.`);
    return { kind: 'clock' };
  }

  #status(path: string, status: { obis: string; bits: string } | undefined): StatusRule | null {
    if (status === undefined) return null;
    const bits = this.file.statusBits?.[status.bits];
    if (bits === undefined) this.#note(`${path}.status.bits`, `No table under statusBits is called ${status.bits}.`);
    return {
      obis: this.#obis(`${path}.status.obis`, status.obis),
      bits: (bits ?? []).map((bit) => ({
        bit: bit.bit,
        name: bit.name,
        quality: bit.quality ?? null,
        daylight: bit.daylight ?? false,
      })),
    };
  }

  #eventLog(at: number): EventLogRule {
    const path = `eventLogs[${at}]`;
    const row = (this.file.eventLogs ?? [])[at] as NonNullable<ProfileFile['eventLogs']>[number];
    const codes = this.file.eventCodes?.[row.codes];
    if (codes === undefined) this.#note(`${path}.codes`, `No table under eventCodes is called ${row.codes}.`);
    if (!row.columns.includes('code')) this.#note(`${path}.columns`, 'A column must be code.');
    this.#unique(`eventCodes.${row.codes}`, codes ?? [], (code) => String(code.code));
    return {
      name: row.name,
      obis: this.#obis(`${path}.obis`, row.obis),
      rows: row.rows,
      columns: row.columns,
      codeObis: this.#obis(`${path}.codeObis`, row.codeObis),
      codes: new Map((codes ?? []).map((code) => [code.code, code])),
      periodS: row.periodS ?? 3600,
      suppressed: new Set(row.suppressed ?? []),
    };
  }

  #push(at: number): PushRule {
    const path = `push[${at}]`;
    const row = (this.file.push ?? [])[at] as NonNullable<ProfileFile['push']>[number];
    for (const name of Object.keys(row.exponents ?? {})) {
      if (!this.#registers.has(name)) this.#note(`${path}.exponents.${name}`, `No register is called ${name}.`);
    }
    return {
      name: row.name,
      encoding: row.encoding ?? 'notification',
      layout: row.layout,
      items: row.items ?? null,
      text:
        row.text === undefined
          ? null
          : { position: row.text.position, pattern: this.#pattern(`${path}.text`, row.text.pattern) ?? /$^/ },
      obisText:
        row.obisText === undefined
          ? null
          : {
              obis: this.#obis(`${path}.obisText.obis`, row.obisText.obis),
              pattern: this.#pattern(`${path}.obisText`, row.obisText.pattern) ?? /$^/,
            },
      positions: this.#positions(path, row.positions ?? {}),
      exponents: new Map(Object.entries(row.exponents ?? {})),
      periodS: row.periodS ?? null,
    };
  }

  #positions(path: string, positions: Readonly<Record<string, string>>): Map<number, PushTarget> {
    const targets = new Map<number, PushTarget>();
    for (const [position, name] of Object.entries(positions)) {
      const register = this.#registers.get(name);
      const attribute = this.#attributes.get(name);
      if (name === 'clock') targets.set(Number(position), { kind: 'clock' });
      else if (register !== undefined) targets.set(Number(position), { kind: 'register', register });
      else if (attribute !== undefined) targets.set(Number(position), { kind: 'attribute', attribute });
      else
        this.#note(
          `${path}.positions.${position}`,
          `No register or attribute is called ${name}: add it, or write clock.`,
        );
    }
    return targets;
  }

  #obis(path: string, text: string): string {
    const obis = canonicalObis(text);
    if (obis === null) this.#note(path, `${text} is no OBIS code: each group is a number from 0 to 255.`);
    return obis ?? CLOCK_OBIS;
  }

  #pattern(path: string, text: string | undefined): RegExp | null {
    if (text === undefined) return null;
    try {
      return new RegExp(text);
    } catch {
      this.#note(path, `${text} is not a regular expression.`);
      return null;
    }
  }

  #unique<Item>(path: string, items: readonly Item[], nameOf: (item: Item) => string): void {
    const seen = new Set<string>();
    items.forEach((item, at) => {
      const name = nameOf(item);
      if (seen.has(name)) this.#note(`${path}[${at}]`, `${name} is there twice.`);
      seen.add(name);
    });
  }

  #note(path: string, sentence: string): void {
    this.problems.push({ path, sentence });
  }
}

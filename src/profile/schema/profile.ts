/**
 * A meter profile as programs use it: resolved from its YAML file, defaults filled in, every name looked up, frozen.
 *
 * The file's own form is in `shape.ts`; `parse.ts` turns one into the other. Nothing here knows DLMS octets, so that the
 * collector may read profiles too.
 */
import type { EventSeverity } from '../../model/event.ts';
import type { Quality } from '../../model/reading.ts';
import type { AddressFormula } from './formula.ts';

/** What a meter measures. */
export type Medium = 'electricity' | 'gas' | 'water' | 'heat';

/** Whether a channel bills or only informs: it decides the lane on the way up. */
export type ValueClass = 'billing' | 'low-value';

/**
 * Ways to a meter other than an association with it: `mbus-client` = class 72 of the meter on whose M-Bus it hangs, `mbus` = telegrams
 * of a wired M-Bus, `ascii` = read-outs by IEC 62056-21, `modbus` = registers of a map.
 */
export const THROUGH = ['mbus-client', 'mbus', 'ascii', 'modbus'] as const;

/** One of {@link THROUGH}. */
export type Through = (typeof THROUGH)[number];

/** A model of meter: what to read, how to sign on, what the values mean. */
export interface Profile {
  /** `vendor/model`, as the files lie and as `--profile` takes it. */
  readonly key: string;
  readonly vendor: string;
  readonly model: string;
  /** For people. */
  readonly title: string;
  readonly medium: Medium;
  /** Through what it is read: the M-Bus client of an electricity meter, its objects written as of channel 1, or another protocol; null = an association with itself. */
  readonly through: Through | null;
  readonly recognise: Recognition;
  readonly hdlc: HdlcRule | null;
  readonly wrapper: WrapperRule | null;
  /** How the meter's objects are called: by class and OBIS, or by names of 16 bits. */
  readonly referencing: 'logical' | 'short';
  readonly clients: readonly ClientRule[];
  readonly clock: ClockRule;
  readonly registers: readonly RegisterRule[];
  readonly buffers: readonly BufferRule[];
  readonly compact: readonly CompactRule[];
  readonly attributes: readonly AttributeRule[];
  readonly eventLogs: readonly EventLogRule[];
  readonly relay: RelayRule | null;
  readonly firmware: FirmwareRule | null;
  /** The M-Bus on which it is the master, null = it has none. */
  readonly mbus: MbusRule | null;
  /** How its load profile is asked for in ASCII, null = it is no meter that speaks it. */
  readonly ascii: AsciiRule | null;
  readonly push: readonly PushRule[];
  readonly quirks: readonly Quirk[];
}

/** How a model is told from others: patterns on what the meter says of itself, null = not used. */
export interface Recognition {
  /** On the COSEM logical device name (0-0:42.0.0*255). */
  readonly logicalDeviceName: RegExp | null;
  /** On the meter type or list version that it pushes or answers. */
  readonly typeText: RegExp | null;
}

/** HDLC addressing and sizes. */
export interface HdlcRule {
  /** Octets of the server address: 1, 2 or 4. */
  readonly addressOctets: 1 | 2 | 4;
  readonly logicalDevice: number;
  /** Physical address from the serial number. */
  readonly physicalDevice: AddressFormula;
  /** Octets of an information field that the meter takes at most, 32 to 2030. */
  readonly informationMaxOctets: number;
  /** Frames in flight, 1 to 7. */
  readonly window: number;
}

/** Addressing under the TCP/UDP wrapper. */
export interface WrapperRule {
  readonly logicalDevice: number;
  readonly port: number;
}

/** Mechanisms of COSEM authentication; those above `lls` need a key file for each meter. `hls` is a manufacturer's own. */
export const SECURITIES = ['none', 'lls', 'hls', 'hls-md5', 'hls-sha1', 'hls-gmac', 'hls-sha256', 'hls-ecdsa'] as const;

/** One of {@link SECURITIES}. */
export type SecurityName = (typeof SECURITIES)[number];

/** What a client is for. `firmware` = image transfer, where the meter keeps a client for it; else `control` does it. */
export const CLIENT_USES = ['identify', 'read', 'control', 'firmware'] as const;

/** One of {@link CLIENT_USES}. */
export type ClientUse = (typeof CLIENT_USES)[number];

/** A client that the meter knows. */
export interface ClientRule {
  readonly name: string;
  /** SAP, 1 to 127. */
  readonly address: number;
  readonly security: SecurityName;
  readonly uses: readonly ClientUse[];
}

/** How the meter tells time. */
export interface ClockRule {
  /** Clock object, null when the meter has none to read. */
  readonly obis: string | null;
  /** `utc-minus-local` = as in the standard; `local-minus-utc` = sign turned; `ignore` = what it says is wrong: use the zone. */
  readonly deviation: 'utc-minus-local' | 'local-minus-utc' | 'ignore';
  /** IANA zone that the meter's clock follows, or `site` = the zone configured for the site. */
  readonly timeZone: string;
  /** Whether the daylight bit of the clock status can be believed when it is 0. */
  readonly daylightBit: boolean;
  /**
   * Whether the moments of a range say their deviation; some meters find no row for the wrong kind. `as-clock` = when the
   * meter's own clock says one.
   */
  readonly rangeDeviation: 'as-clock' | 'set' | 'not-specified';
  /** Below this difference nothing is done, s. */
  readonly toleranceS: number;
  /** Above this difference the clock is not touched but an alarm is raised, s. */
  readonly setMaxS: number;
}

/** A metered value. */
export interface RegisterRule {
  /** Our word: `active-energy-import`. */
  readonly name: string;
  /** `A-B:C.D.E*F`. */
  readonly obis: string;
  /** Interface class: 3 register, 4 extended register, 5 demand register, 1 data. */
  readonly classId: number;
  readonly attribute: number;
  /** A-XDR type in which the meter sends it: what the simulator answers. */
  readonly type: ValueType;
  /** The value is the integer x 10^exponent. */
  readonly exponent: number;
  /** Symbol of the COSEM unit table; empty = no unit. */
  readonly unit: string;
  readonly valueClass: ValueClass;
  /** Read on its own every so often, s; 0 = only in buffers, pushes and on demand. */
  readonly periodS: number;
  /** `meter` = what the object's scaler_unit says overrides `exponent`; the unit must agree. */
  readonly scalerUnit: 'profile' | 'meter';
  /** Code under which its readings are stored: `obis`, or the one that says what an M-Bus channel holds. */
  readonly storedAs: string;
  /** The record that holds it in the telegrams of a wired M-Bus; null = it is no meter on one. */
  readonly record: RecordRule | null;
  /** Code of its line in an ASCII read-out, as the meter writes it; null = by its OBIS code. */
  readonly line: string | null;
  /** Where it stands in the register map of a Modbus device; null = it is none. */
  readonly modbus: ModbusRule | null;
}

/** Types of values in Modbus registers. */
export const MODBUS_TYPES = ['u16', 'i16', 'u32', 'i32', 'u64', 'float32'] as const;

/** A place in a register map. */
export interface ModbusRule {
  /** From 0, as on the wire: 40001 in a manual is holding register 0. */
  readonly register: number;
  /** 3 = holding registers, 4 = input registers. */
  readonly function: 3 | 4;
  readonly type: (typeof MODBUS_TYPES)[number];
  /** Order of the words of a value. */
  readonly words: 'high-first' | 'low-first';
}

/** How load profiles of a meter that speaks ASCII are asked for (IEC 62056-21, programming mode). */
export interface AsciiRule {
  /** `R6` = the answer comes in parts that are acknowledged one by one. */
  readonly command: 'R5' | 'R6';
  /** Digits of the moments in `P.01(from;to)`: 10, 12 with seconds; 11 and 13 with a season in front. */
  readonly timeDigits: 10 | 11 | 12 | 13;
}

/** Functions of a record in a telegram of a wired M-Bus. */
export const RECORD_FUNCTIONS = ['instantaneous', 'maximum', 'minimum', 'error'] as const;

/** Which record of a telegram it is. */
export interface RecordRule {
  /** Word for what it measures: `volume`, `energy`, `flow-temperature`. */
  readonly quantity: string;
  readonly function: (typeof RECORD_FUNCTIONS)[number];
  /** 0 = the present value, others historic ones. */
  readonly storage: number;
  readonly tariff: number;
  readonly subunit: number;
}

/** Integer types of a register. */
export const VALUE_TYPES = [
  'integer',
  'long',
  'double-long',
  'long64',
  'unsigned',
  'long-unsigned',
  'double-long-unsigned',
  'long64-unsigned',
] as const;

/** One of {@link VALUE_TYPES}. */
export type ValueType = (typeof VALUE_TYPES)[number];

/** A column of a buffer. */
export type BufferColumn =
  | { readonly kind: 'clock' }
  | { readonly kind: 'status' }
  | { readonly kind: 'register'; readonly register: RegisterRule }
  | { readonly kind: 'ignore'; readonly obis: string; readonly classId: number; readonly attribute: number };

/** A profile generic object (class 7) to collect. */
export interface BufferRule {
  readonly name: string;
  readonly obis: string;
  /** Length of an interval, s; 86,400 = local days. */
  readonly intervalS: number;
  /** Rows that the meter keeps before it overwrites the oldest. */
  readonly rows: number;
  readonly columns: readonly BufferColumn[];
  readonly status: StatusRule | null;
  /** Whether a row's time is the end or the start of its interval. */
  readonly stamp: 'end' | 'start';
  readonly order: 'oldest-first' | 'newest-first';
  /** What null-data in a value column means. */
  readonly nullData: 'inherit' | 'missing';
  /** How rows are asked for; `all` = the meter ignores selection. */
  readonly access: 'range' | 'all';
  /** Rows asked for in one request at most: keeps one answer short on a slow line. */
  readonly sliceRows: number;
  /** How often new rows are looked for, s. */
  readonly periodS: number;
}

/** A compact data object (class 62) to read; the meter itself says in which order it holds what. */
export interface CompactRule {
  readonly name: string;
  readonly obis: string;
  /** What it must hold; whatever else it holds is passed over. */
  readonly registers: readonly RegisterRule[];
  /** Read every so often, s. */
  readonly periodS: number;
}

/** A status column and what its bits mean. */
export interface StatusRule {
  readonly obis: string;
  readonly bits: readonly StatusBit[];
}

/** A bit of a status, 0 = least significant of the last octet. */
export interface StatusBit {
  readonly bit: number;
  readonly name: string;
  /** The quality that it stands for, or null when it says nothing of the value. */
  readonly quality: Quality | null;
  /** Set while daylight saving is in force: helps to place local times in the doubled hour. */
  readonly daylight: boolean;
}

/** A text or an identifier. */
export interface AttributeRule {
  readonly name: string;
  readonly obis: string;
  readonly classId: number;
  readonly attribute: number;
  /** `text` = characters, `hex` = octets, `number` = an integer. */
  readonly form: 'text' | 'hex' | 'number';
}

/** An event log (class 7) and its code table. */
export interface EventLogRule {
  readonly name: string;
  readonly obis: string;
  readonly rows: number;
  /** Which columns a row has; the code is mandatory. */
  readonly columns: readonly ('clock' | 'code' | 'ignore')[];
  /** OBIS of the object whose value is the code column. */
  readonly codeObis: string;
  readonly codes: ReadonlyMap<number, EventCode>;
  readonly periodS: number;
  /** Codes that are not sent on (chatter), still counted. */
  readonly suppressed: ReadonlySet<number>;
}

/** What a code means. */
export interface EventCode {
  readonly code: number;
  readonly name: string;
  readonly sentence: string;
  readonly severity: EventSeverity;
}

/** The switch for the load (class 70). */
export interface RelayRule {
  readonly obis: string;
  /** 0 to 7, Blue Book class 70 attribute 4: which transitions are allowed. */
  readonly controlMode: number;
  /** Wait before the state is read back after an order, ms. */
  readonly settleMs: number;
  /** What tells the voltage behind the contacts, null = the meter does not measure it. */
  readonly loadVoltage: LoadVoltageRule | null;
}

/** Voltage at the load's terminals: with the contacts open there must be none. */
export interface LoadVoltageRule {
  /** In V. No code is standardised: it is in the maker's part of group D (128 and up). */
  readonly register: RegisterRule;
  /** Above this the load is live, V. */
  readonly maxV: number;
}

/** How a new firmware gets into the meter (image transfer, class 18). */
export interface FirmwareRule {
  readonly obis: string;
  /** The attribute that names what the meter runs, null = none: only the status tells that an image is active. */
  readonly version: AttributeRule | null;
  /** Whether the meter must name the image before it is activated; `optional` = some that we know do not. */
  readonly info: 'required' | 'optional';
  /** The meter verifies an image within this, ms. */
  readonly verifyMaxMs: number;
  /** The meter activates an image and answers again within this, ms. */
  readonly activateMaxMs: number;
  /** Pause after each block that goes to all meters of the line, ms; null = the meter gets its blocks alone. */
  readonly broadcastPauseMs: number | null;
}

/** Ways in which class 72 writes the 8 digits of an identification number: packed BCD (version 0), or as a number. */
export const MBUS_IDENTIFICATIONS = ['bcd', 'number'] as const;

/** A meter that is the master of an M-Bus and shows what hangs there as M-Bus clients (class 72). */
export interface MbusRule {
  /** Channels, from 1. */
  readonly channels: number;
  readonly identification: (typeof MBUS_IDENTIFICATIONS)[number];
}

/** Forms of what a meter pushes. */
export const PUSH_ENCODINGS = ['notification', 'p1', 'sml'] as const;

/** One of {@link PUSH_ENCODINGS}. */
export type PushEncoding = (typeof PUSH_ENCODINGS)[number];

/** A list that the meter pushes without being asked. */
export interface PushRule {
  readonly name: string;
  /** How it comes: as a data-notification, as a telegram of a P1 port, or as a file of SML. */
  readonly encoding: PushEncoding;
  /** `positional` = values alone; `obis` = values with their OBIS, in any of the usual forms. */
  readonly layout: 'positional' | 'obis';
  /** Number of elements of the body, null = any. */
  readonly items: number | null;
  /** An element that must hold a text. */
  readonly text: { readonly position: number; readonly pattern: RegExp } | null;
  /** A value with an OBIS that must hold a text. */
  readonly obisText: { readonly obis: string; readonly pattern: RegExp } | null;
  /** What an element without OBIS is, by its position. */
  readonly positions: ReadonlyMap<number, PushTarget>;
  /** Registers whose exponent differs in this list, by name. */
  readonly exponents: ReadonlyMap<string, number>;
  /** How often it comes, s; null = at no fixed time. */
  readonly periodS: number | null;
}

/** What a pushed element is. */
export type PushTarget =
  | { readonly kind: 'clock' }
  | { readonly kind: 'register'; readonly register: RegisterRule }
  | { readonly kind: 'attribute'; readonly attribute: AttributeRule };

/** Switches that programs know; each changes how we talk to the meter, never what a value means. */
export const QUIRKS = {
  'no-release': 'The meter does not answer RLRQ: disconnect without it.',
  'no-disconnect-answer': 'The meter does not answer DISC: it is sent once and not waited for.',
  'frames-numbered-zero': 'The meter gives every HDLC frame the number 0: nothing is asked for twice in a connection.',
  'no-with-list': 'The meter refuses GET with-list: ask for one attribute at a time.',
  'string-in-date-time-tag': 'The time of a notification comes with a type tag in front.',
  'sn-method-read': 'Short names: methods are called by reading their name, also without parameterised access.',
  'sn-method-write': 'Short names: methods are called by writing to their name, and so return nothing.',
  'one-sided-hls': 'The meter takes our proof of a high-level authentication and gives none of its own.',
} as const;

/** One of {@link QUIRKS}. */
export type QuirkName = keyof typeof QUIRKS;

/** A way in which this model differs. */
export interface Quirk {
  readonly name: QuirkName;
  /** What was seen, for people. */
  readonly sentence: string;
  /** Firmware versions concerned, as text, null = open end. */
  readonly firmwareFrom: string | null;
  readonly firmwareTo: string | null;
}

/** The register with this OBIS, or undefined. */
export function registerByObis(profile: Profile, obis: string): RegisterRule | undefined {
  return profile.registers.find((register) => register.obis === obis);
}

/** Whether the quirk applies to a meter of the profile with this firmware; unknown firmware counts as concerned. */
export function hasQuirk(profile: Profile, name: QuirkName, firmware: string | null): boolean {
  return profile.quirks.some(
    (quirk) =>
      quirk.name === name &&
      (firmware === null ||
        ((quirk.firmwareFrom === null || compareVersions(firmware, quirk.firmwareFrom) >= 0) &&
          (quirk.firmwareTo === null || compareVersions(firmware, quirk.firmwareTo) <= 0))),
  );
}

/** Order of two version texts: runs of digits as numbers, the rest as text. */
export function compareVersions(a: string, b: string): number {
  const left = a.match(/\d+|\D+/g) ?? [];
  const right = b.match(/\d+|\D+/g) ?? [];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = comparePart(left[at], right[at]);
    if (difference !== 0) return difference;
  }
  return 0;
}

function comparePart(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return -1;
  if (b === undefined) return 1;
  const bothNumbers = /^\d/.test(a) && /^\d/.test(b);
  if (bothNumbers) return Number(a) - Number(b);
  return a < b ? -1 : 1;
}

/**
 * Proof of a profile: its vectors (octets as a meter sent them, beside the readings that they must become) and the rules
 * that need DLMS tables. `tools/profile-check.ts` walks every profile through here.
 */
import { fromHex } from '../base/bytes.ts';
import { reasonOf } from '../base/errors.ts';
import { daysOfCivil } from '../base/time.ts';
import { parseAsciiProfile } from '../dlms/ascii/load-profile.ts';
import { parseReadOut } from '../dlms/ascii/read-out.ts';
import { dataFromOctets } from '../dlms/axdr/decode.ts';
import { dateTimeOfUtcMs } from '../dlms/cosem/datetime.ts';
import { isObis } from '../dlms/cosem/obis.ts';
import { unitCode } from '../dlms/cosem/units.ts';
import { parseP1Telegram } from '../dlms/telegram/p1.ts';
import { parseSmlTelegram } from '../dlms/telegram/sml.ts';
import { partsOfTelegram } from '../dlms/telegram/sub-meters.ts';
import { telegramBody } from '../dlms/telegram/telegram.ts';
import { decodeApdu } from '../dlms/xdlms/codec.ts';
import { decodeLinkFrame } from '../mbus/frame.ts';
import { decodeTelegram } from '../mbus/telegram.ts';
import type { MeterAttribute, MeterEvent } from '../model/event.ts';
import { parseMeterId } from '../model/ids.ts';
import { readAsciiLines, readAsciiProfile } from './ascii-readout.ts';
import { readEvents } from './event-readout.ts';
import { readTelegrams } from './mbus-readout.ts';
import { modbusRuns, readModbus } from './modbus-readout.ts';
import { type PushedMessage, readPush } from './push.ts';
import { type ReadContext, type ReadoutGroup, readBuffer } from './readout.ts';
import { readRegisters } from './register-readout.ts';
import type { Profile } from './schema/profile.ts';
import { isTimeZone } from './zone.ts';

/** One vector of `<model>.vectors.json`. */
export interface ProfileVector {
  readonly name: string;
  /** Where the octets come from. */
  readonly source: string;
  /** IANA zone of the site. */
  readonly timeZone: string;
  /** When the edge read or received it, `2026-03-01T00:00:00Z`. */
  readonly readAt: string;
  readonly given: VectorInput;
  /** One line per reading, attribute and event, in any order; see {@link vectorLines}. */
  readonly expect: readonly string[];
}

/** What the meter sent. */
export type VectorInput =
  | { readonly kind: 'push'; readonly apduHex: string }
  /** Lines of a telegram without their ends; the part of the sub-meter with this identifier, or of the meter itself. */
  | { readonly kind: 'p1'; readonly lines: readonly string[]; readonly equipmentId?: string }
  /** A file of SML from its first escape to its check. */
  | { readonly kind: 'sml'; readonly hex: string }
  /** A long frame of a wired M-Bus. */
  | { readonly kind: 'mbus'; readonly frameHex: string }
  /** Octets of the registers of each request, in the order of function and register. */
  | { readonly kind: 'modbus'; readonly blocks: readonly string[] }
  /** Lines of a read-out, or of the answer to R5 for a buffer with this name. */
  | { readonly kind: 'ascii'; readonly lines: readonly string[]; readonly buffer?: string; readonly watermark?: string }
  | { readonly kind: 'buffer'; readonly name: string; readonly dataHex: string; readonly watermark?: string }
  | { readonly kind: 'events'; readonly name: string; readonly dataHex: string; readonly watermark?: string }
  | {
      readonly kind: 'registers';
      readonly clockHex?: string;
      readonly answers: readonly { readonly register: string; readonly dataHex: string }[];
    };

/** Everything that is wrong with a profile and its vectors, in sentences; empty = nothing. */
export function checkProfile(profile: Profile, vectors: readonly ProfileVector[]): string[] {
  const wrong = [...unitMistakes(profile), ...zoneMistakes(profile), ...obisMistakes(profile)];
  if (vectors.length === 0) wrong.push('There is no vector: add octets of a real meter and what they mean.');
  for (const vector of vectors) wrong.push(...vectorMistakes(profile, vector).map((line) => `${vector.name}: ${line}`));
  return wrong;
}

function unitMistakes(profile: Profile): string[] {
  return profile.registers
    .filter((register) => register.unit !== '' && unitCode(register.unit) === undefined)
    .map((register) => `${register.name}: ${register.unit} is not in the COSEM unit table.`);
}

function zoneMistakes(profile: Profile): string[] {
  const zone = profile.clock.timeZone;
  return zone === 'site' || isTimeZone(zone) ? [] : [`clock.timeZone: ${zone} is no IANA zone.`];
}

function obisMistakes(profile: Profile): string[] {
  const codes = [
    ...profile.registers,
    ...profile.buffers,
    ...profile.compact,
    ...profile.attributes,
    ...profile.eventLogs,
  ].map((rule) => rule.obis);
  return codes.filter((code) => !isObis(code)).map((code) => `${code} is no OBIS code.`);
}

function vectorMistakes(profile: Profile, vector: ProfileVector): string[] {
  let lines: string[];
  try {
    lines = vectorLines(profile, vector);
  } catch (error) {
    return [reasonOf(error)];
  }
  const missing = vector.expect.filter((line) => !lines.includes(line)).map((line) => `expected and not read: ${line}`);
  const extra = lines.filter((line) => !vector.expect.includes(line)).map((line) => `read and not expected: ${line}`);
  return [...missing, ...extra];
}

/**
 * What a vector becomes, one line each: `reading OBIS interval time value exponent unit quality`, `attribute name text`,
 * `event time code name`, `problem sentence`.
 */
export function vectorLines(profile: Profile, vector: ProfileVector): string[] {
  const meterId = parseMeterId('vector');
  if (meterId === null) throw new Error('the name of the test meter is no meter id');
  const context = { meterId, timeZone: vector.timeZone, nowMs: utcMsOfIso(vector.readAt) };
  const { given } = vector;
  switch (given.kind) {
    case 'push':
      return pushLines(profile, notificationIn(given.apduHex), context);
    case 'p1':
      return pushLines(profile, telegramIn(given), context);
    case 'sml':
      return pushLines(profile, smlIn(given.hex), context);
    case 'mbus': {
      const decoded = decodeLinkFrame(fromHex(given.frameHex));
      if (decoded?.frame.kind !== 'long') throw new Error('the octets are no long frame');
      const telegram = decodeTelegram(decoded.frame.information, decoded.frame.data);
      const read = readTelegrams(profile, profile.registers, [telegram], context);
      return [...readingLines(read.groups), ...read.problems.map((problem) => `problem ${problem.sentence}`)];
    }
    case 'modbus': {
      const runs = modbusRuns(profile.registers);
      const read = readModbus(profile, runs, given.blocks.map(fromHex), context);
      return [...readingLines(read.groups), ...read.problems.map((problem) => `problem ${problem.sentence}`)];
    }
    case 'ascii': {
      const text = given.lines.map((line) => `${line}\r\n`).join('');
      const read =
        given.buffer === undefined
          ? readAsciiLines(
              profile,
              profile.registers.filter(({ periodS }) => periodS > 0),
              parseReadOut(text),
              context,
            )
          : readAsciiProfile(profile, named(profile.buffers, given.buffer), parseAsciiProfile(text), {
              context,
              watermarkMs: watermarkOf(given),
              asked: null,
            });
      return [...readingLines(read.groups), ...read.problems.map((problem) => `problem ${problem.sentence}`)];
    }
    case 'buffer': {
      const rule = named(profile.buffers, given.name);
      const read = readBuffer(profile, rule, dataOf(given.dataHex), context, watermarkOf(given));
      return [...readingLines(read.groups), ...read.problems.map((problem) => `problem ${problem.sentence}`)];
    }
    case 'events': {
      const rule = named(profile.eventLogs, given.name);
      const read = readEvents(profile, rule, dataOf(given.dataHex), context, watermarkOf(given));
      return [...eventLines(read.events), ...read.problems.map((problem) => `problem ${problem.sentence}`)];
    }
    case 'registers': {
      const answers = given.answers.map((answer) => ({
        register: named(profile.registers, answer.register),
        value: dataOf(answer.dataHex),
      }));
      const clock = given.clockHex === undefined ? null : dataOf(given.clockHex);
      const read = readRegisters(profile, answers, clock, context);
      return [...readingLines(read.groups), ...read.problems.map((problem) => `problem ${problem.sentence}`)];
    }
  }
}

function telegramIn({ lines, equipmentId }: Extract<VectorInput, { readonly kind: 'p1' }>): PushedMessage {
  const telegram = parseP1Telegram(new TextEncoder().encode(lines.join('\r\n')));
  const parts = partsOfTelegram(telegram, equipmentId === undefined ? [] : [equipmentId]);
  const body = telegramBody(parts.get(equipmentId ?? null) ?? []);
  return { encoding: 'p1', dateTime: telegram.dateTime, body };
}

function smlIn(hex: string): PushedMessage {
  const { dateTime, values } = parseSmlTelegram(fromHex(hex));
  return { encoding: 'sml', dateTime, body: telegramBody(values) };
}

function notificationIn(apduHex: string): PushedMessage {
  const apdu = decodeApdu(fromHex(apduHex));
  if (apdu.apdu !== 'data-notification') throw new Error(`the octets are a ${apdu.apdu}, not a data-notification`);
  return { dateTime: apdu.dateTime, body: apdu.body };
}

function pushLines(
  profile: Profile,
  message: PushedMessage,
  context: ReadContext & { readonly nowMs: number },
): string[] {
  const read = readPush(profile, message, context);
  return [
    `list ${read.list?.name ?? 'unknown'}`,
    ...readingLines(read.groups),
    ...attributeLines(read.attributes),
    ...read.unknown.map((item) => `unknown ${item.obis ?? item.position} ${item.text}`),
    ...read.problems.map((problem) => `problem ${problem.sentence}`),
  ];
}

function readingLines(groups: readonly ReadoutGroup[]): string[] {
  return groups.flatMap(({ group, rows }) =>
    rows.flatMap((row) =>
      group.columns.flatMap((column, at) => {
        const value = row.values[at] ?? null;
        if (value === null) return [];
        const unit = column.unit === '' ? '-' : column.unit;
        const time = isoOfUtcMs(row.atMs);
        return [
          `reading ${column.obis} ${group.intervalS} ${time} ${value} e${column.exponent} ${unit} ${row.quality}`,
        ];
      }),
    ),
  );
}

function attributeLines(attributes: readonly MeterAttribute[]): string[] {
  return attributes.map((attribute) => `attribute ${attribute.name} ${attribute.text}`);
}

function eventLines(events: readonly MeterEvent[]): string[] {
  return events.map((event) => `event ${isoOfUtcMs(event.atMs)} ${event.code} ${event.name}`);
}

function named<Item extends { readonly name: string }>(items: readonly Item[], name: string): Item {
  const item = items.find((candidate) => candidate.name === name);
  if (item === undefined) throw new Error(`the profile has no ${name}`);
  return item;
}

function dataOf(hex: string): ReturnType<typeof dataFromOctets> {
  return dataFromOctets(fromHex(hex));
}

function watermarkOf(given: { readonly watermark?: string }): number | null {
  return given.watermark === undefined ? null : utcMsOfIso(given.watermark);
}

/** `2026-03-01T00:15:00Z`, with milliseconds only when there are some. */
export function isoOfUtcMs(utcMs: number): string {
  const time = dateTimeOfUtcMs(utcMs, { deviation: 0 });
  const two = (value: number | null) => String(value ?? 0).padStart(2, '0');
  const millis = ((utcMs % 1000) + 1000) % 1000;
  const fraction = millis === 0 ? '' : `.${String(millis).padStart(3, '0')}`;
  return `${time.year}-${two(time.month)}-${two(time.day)}T${two(time.hour)}:${two(time.minute)}:${two(time.second)}${fraction}Z`;
}

/** UTC ms of `2026-03-01T00:15:00Z`. */
export function utcMsOfIso(text: string): number {
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$/.exec(text);
  if (match === null) throw new Error(`${text} is no time such as 2026-03-01T00:15:00Z`);
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  return ((daysOfCivil(year, month, day) * 24 + hour) * 60 + minute) * 60_000 + second * 1000;
}

/** From lines and meters of the settings file to those that are read: addresses, profiles, keys, and everything that is wrong with them. */
import { toHex } from '../base/bytes.ts';
import type { Env } from '../base/env.ts';
import { reasonOf } from '../base/errors.ts';
import { parseIso } from '../base/time.ts';
import { keyPrintOf } from '../dlms/security/key-file.ts';
import { carriesTelegrams, type Link, plainProtocolOf } from '../link/link.ts';
import { linkOf } from '../link/registry.ts';
import type { LinkEnv } from '../link/scheme.ts';
import { numberIn } from '../mbus/identity.ts';
import type { MeterId } from '../model/ids.ts';
import { parseProfileOrThrow } from '../profile/schema/parse.ts';
import type { Profile } from '../profile/schema/profile.ts';
import type { MeterProblem } from './adopted.ts';
import type { EdgeConfig, MeterConfig } from './config.ts';
import { edgeError } from './errors.ts';
import { readMeterKeys } from './meter-keys.ts';
import { textOf } from './named-file.ts';
import { plainMeterOf, sharedUnits, unaddressed } from './plain-settings.ts';
import type { Meter, MeterSecurity } from './ports.ts';

/** A line with its meters. */
export interface LineSettings {
  readonly id: string;
  readonly link: Link;
  readonly sampleMs: number;
  readonly meters: readonly Meter[];
}

/** Where to look for what the settings do not name. */
export interface SettingsSurroundings {
  readonly env: Env;
  /** The links' world; memory lines come with it. */
  readonly linkEnv: LinkEnv;
  readonly profilesFolder: string;
  /** Program and version. */
  readonly software: string;
}

/**
 * The lines of the settings; throws EDGE_SETTINGS with everything that is wrong. What is wrong with a meter that was taken in goes to
 * `untaken`, and keeps nobody else from being read.
 */
export async function linesOf(
  config: EdgeConfig,
  around: SettingsSurroundings,
  adopted: { readonly ids: ReadonlySet<string>; readonly untaken: MeterProblem[] },
): Promise<readonly LineSettings[]> {
  const problems: string[] = [];
  const profiles = new Map<string, Profile>();
  const lines: LineSettings[] = [];
  for (const line of config.lines) {
    const link = linkOf(line.url, around.linkEnv);
    const plain = plainProtocolOf(link);
    const meters: Meter[] = [];
    for (const meter of line.meters) {
      try {
        const profile = profiles.get(meter.profile) ?? (await profileOf(config, around, meter.profile));
        profiles.set(meter.profile, profile);
        if (meter.behind !== undefined) meters.push(subMeterOf(config, line.id, link, meter, profile, meters));
        else if (plain === null) meters.push(await meterOf(config, line.id, link, meter, profile, around.env));
        else {
          const { passwordFile } = meter;
          const password = passwordFile === undefined ? null : await passwordOf(around.env, passwordFile);
          meters.push(plainMeterOf(plain, { line: line.id, timeZone: config.timeZone, meter, profile, password }));
        }
      } catch (error) {
        const sentence = `meter ${meter.id}: ${reasonOf(error)}`;
        if (adopted.ids.has(meter.id)) adopted.untaken.push({ meterId: meter.id, sentence });
        else problems.push(sentence);
      }
    }
    if (carriesTelegrams(link.framing)) problems.push(...telegramProblems(line.id, link, meters));
    else {
      if (link.purpose === 'push') problems.push(...pushProblems(line.id, link, meters));
      for (const { meterId, equipmentId, behind } of meters)
        if (equipmentId !== undefined && behind === undefined && plain === null)
          problems.push(
            `meter ${meterId}: equipmentId is for sub-meters in telegrams, line ${line.id} has none (framing=p1), behind a meter (behind), or on a line without associations (M-Bus, ASCII)`,
          );
    }
    problems.push(...behindTwice(meters), ...unaddressed(line.id, meters), ...sharedUnits(line.id, meters));
    lines.push({ id: line.id, link, sampleMs: line.sampleS * 1000, meters });
  }
  problems.push(...sharedKeys(lines.flatMap(({ meters }) => meters)));
  if (problems.length > 0) throw edgeError('EDGE_SETTINGS', problems.join('; '));
  return lines;
}

/** Several meters push to one place only where their titles tell them apart. */
function pushProblems(line: string, link: Link, meters: readonly Meter[]): string[] {
  if (meters.length < 2) return [];
  if (link.kind === 'line') return [`line ${line}: a port that pushes has one meter`];
  const titles = meters.map(({ security }) => security?.meterTitle ?? null);
  const untold = meters.filter((_, at) => titles[at] === null);
  const words = untold.map(({ meterId }) => meterId).join(', ');
  if (untold.length > 0)
    return [`line ${line}: several meters push here, so the key file of each names its meterTitle; ${words} has none`];
  const distinct = new Set(titles.map((title) => toHex(title ?? new Uint8Array())));
  return distinct.size === meters.length ? [] : [`line ${line}: two meters have the same meterTitle`];
}

/** Two meters that are told by one number would share what the one behind the host counted. */
function behindTwice(meters: readonly Meter[]): string[] {
  const seen = new Map<string, MeterId>();
  return meters.flatMap(({ meterId, behind }) => {
    if (behind === undefined) return [];
    const key = `${behind.host.meterId} ${numberIn(behind.identity)}`;
    const other = seen.get(key);
    seen.set(key, meterId);
    return other === undefined ? [] : [`meter ${meterId}: it has the equipmentId of meter ${other}`];
  });
}

/** A port of telegrams has one meter of its own, and in P1 sub-meters that are told apart by their identifiers. */
function telegramProblems(line: string, { framing }: Link, meters: readonly Meter[]): string[] {
  const ids = meters.flatMap(({ equipmentId }) => equipmentId ?? []);
  const keyed = meters.filter(({ security }) => security !== null && security !== undefined);
  return [
    ...(meters.length - ids.length > 1
      ? [`line ${line}: a port of telegrams has one meter; its sub-meters are told by their equipmentId`]
      : []),
    ...(framing === 'sml' && ids.length > 0
      ? [`line ${line}: sub-meters are told in P1 telegrams, SML has none: take equipmentId away`]
      : []),
    ...(new Set(ids).size < ids.length ? [`line ${line}: two meters have the same equipmentId`] : []),
    ...keyed.map(({ meterId }) => `meter ${meterId}: telegrams come in clear, take its keysFile away`),
  ];
}

/**
 * One key in two meters gives both away with either, and their counters would repeat numbers under it. Only meters that share
 * a broadcast key may have one authentication key: it authenticates the messages to all of them, and opens nothing.
 */
function sharedKeys(meters: readonly Meter[]): string[] {
  const owners = new Map<string, MeterId>();
  return meters.flatMap(({ meterId, security }) => {
    if (security === undefined || security === null) return [];
    const { broadcast, authentication } = security.keys;
    const mayShare = broadcast === undefined || authentication === null ? null : toHex(keyPrintOf(authentication));
    const prints = [...new Set(security.keyPrints.map(toHex))].filter((print) => print !== mayShare);
    const other = prints.map((print) => owners.get(print)).find((owner) => owner !== undefined);
    for (const print of prints) owners.set(print, meterId);
    return other === undefined ? [] : [`meter ${meterId}: it has a key of meter ${other}; each meter needs its own`];
  });
}

async function profileOf(config: EdgeConfig, around: SettingsSurroundings, key: string): Promise<Profile> {
  const folder = config.profilesFolder ?? around.profilesFolder;
  return parseProfileOrThrow(await textOf(around.env, `${folder}/${key}.yaml`), key);
}

/** A meter that is read through one of the line that was named before it. */
function subMeterOf(
  config: EdgeConfig,
  line: string,
  link: Link,
  meter: MeterConfig,
  profile: Profile,
  before: readonly Meter[],
): Meter {
  const { behind = '', equipmentId = '', installedAt } = meter;
  const host = before.find(({ meterId }) => meterId === behind);
  if (host === undefined) throw new Error(`line ${line} names no meter ${behind} above it`);
  if (link.purpose !== 'ask') throw new Error(`line ${line} is not asked, so nothing is read through ${behind}`);
  if (host.profile.mbus === null)
    throw new Error(`${behind} has no M-Bus: its profile ${host.profile.key} has no section mbus`);
  if (profile.through !== 'mbus-client')
    throw new Error(`profile ${profile.key} is not one of a meter behind a meter (through: mbus-client)`);
  return {
    ...host,
    meterId: meter.id as MeterId,
    profile,
    timeZone: meter.timeZone ?? config.timeZone,
    password: null,
    security: null,
    behind: { host, identity: equipmentId, installedAtMs: installedAt === undefined ? null : parseIso(installedAt) },
    equipmentId,
  };
}

async function meterOf(
  config: EdgeConfig,
  line: string,
  link: Link,
  meter: MeterConfig,
  profile: Profile,
  env: Env,
): Promise<Meter> {
  const { hdlc, wrapper } = profile;
  if (profile.through !== null)
    throw new Error(
      profile.through !== 'mbus-client'
        ? `profile ${profile.key} is one of a meter on another kind of line (through: ${profile.through}): give its line an address like ${profile.through}-tcp://host:port`
        : `behind is missing: a meter of profile ${profile.key} is read through another one`,
    );
  const onHdlc = link.framing === 'hdlc';
  const physical =
    meter.physical ??
    (meter.serial === undefined || hdlc === null || !onHdlc ? null : hdlc.physicalDevice.addressOf(meter.serial));
  const client = profile.clients.find((each) => each.uses.includes('read'));
  if (link.purpose === 'ask' && client === undefined)
    throw new Error(`profile ${profile.key} has no client that reads`);
  const findsByName = link.kind === 'line' && link.findsByName === true;
  if (findsByName && meter.serial === undefined)
    throw new Error(`serial is missing: line ${line} finds its meters by DLMS id, or by the EUI of their modem`);
  const nameProblem = findsByName && meter.serial !== undefined ? (link.nameProblem?.(meter.serial) ?? null) : null;
  if (nameProblem !== null) throw new Error(`serial: ${nameProblem}`);
  const security = await securityOf(meter, link, env);
  return {
    meterId: meter.id as MeterId,
    line,
    profile,
    timeZone: meter.timeZone ?? config.timeZone,
    logicalDevice: meter.logical ?? (onHdlc ? hdlc?.logicalDevice : wrapper?.logicalDevice) ?? 1,
    physicalDevice: onHdlc && hdlc?.addressOctets !== 1 ? physical : null,
    password: meter.passwordFile === undefined ? null : await passwordOf(env, meter.passwordFile),
    security,
    ...(findsByName && meter.serial !== undefined ? { name: meter.serial } : {}),
    ...(meter.deviceName === undefined ? {} : { deviceName: meter.deviceName }),
    ...(meter.equipmentId === undefined ? {} : { equipmentId: meter.equipmentId }),
  };
}

/** The keys of a meter, or null: one that needs some and has none is in the state `no-key`, and the others are read. */
async function securityOf(meter: MeterConfig, link: Link, env: Env): Promise<MeterSecurity | null> {
  if (meter.keysFile === undefined) return null;
  const security = await readMeterKeys(meter.keysFile, env);
  if (link.purpose === 'ask' && security.clientTitle === null)
    throw new Error(`clientTitle is missing in ${meter.keysFile}`);
  return security;
}

/** Editors end a file with a line feed, which is no part of a password. */
async function passwordOf(env: Env, path: string): Promise<Uint8Array> {
  return new TextEncoder().encode((await textOf(env, path)).replace(/[\r\n]+$/, ''));
}

/** Meters of lines on which no association is made: how each is called, and who must answer. */
import type { PlainProtocol } from '../link/link.ts';
import { IDENTITY_PATTERN, numberIn } from '../mbus/identity.ts';
import type { MeterId } from '../model/ids.ts';
import type { Profile } from '../profile/schema/profile.ts';
import type { MeterConfig } from './config.ts';
import type { Meter } from './ports.ts';

/** A meter as it is entered. */
export interface PlainEntry {
  /** Id of its line. */
  readonly line: string;
  /** IANA zone of the site. */
  readonly timeZone: string;
  readonly meter: MeterConfig;
  readonly profile: Profile;
  readonly password: Uint8Array | null;
}

/** The meter of an entry; throws with a sentence when it cannot be one of such a line. */
export function plainMeterOf(protocol: PlainProtocol, entry: PlainEntry): Meter {
  switch (protocol) {
    case 'mbus':
      return mbusMeterOf(entry);
    case 'ascii':
      return asciiMeterOf(entry);
    case 'modbus':
      return modbusMeterOf(entry);
  }
}

function commonOf({ line, timeZone, meter, profile, password }: PlainEntry) {
  return {
    meterId: meter.id as MeterId,
    line,
    profile,
    timeZone: meter.timeZone ?? timeZone,
    logicalDevice: 1,
    physicalDevice: null,
    password,
    security: null,
  };
}

/** Any maker, version and device type in a selection. */
const ANY = { manufacturer: 0xffff, version: 0xff, deviceType: 0xff } as const;
const PRIMARY_MAX = 250;

/** A meter on a wired M-Bus: asked at its primary address where it is given, else selected by its number. */
function mbusMeterOf(entry: PlainEntry): Meter {
  const { line, meter, profile } = entry;
  const { equipmentId = '', physical } = meter;
  if (profile.through !== 'mbus')
    throw new Error(
      `line ${line} is a wired M-Bus, profile ${profile.key} is not one of a meter on it (through: mbus)`,
    );
  if (!IDENTITY_PATTERN.test(equipmentId))
    throw new Error('equipmentId must be its M-Bus number, as 12345678, or its identity, as KAM.12345678.1B.16');
  if (physical !== undefined && (physical < 1 || physical > PRIMARY_MAX))
    throw new Error(`physical must be its primary address, 1 to ${PRIMARY_MAX}, or be taken away`);
  const target =
    physical === undefined ? { secondary: { ...ANY, number: numberIn(equipmentId) } } : { primary: physical };
  return {
    ...commonOf(entry),
    physicalDevice: physical ?? null,
    password: null,
    equipmentId,
    mbus: { target, identity: equipmentId },
  };
}

/** A meter that speaks ASCII: called by `serial`, which may be left out where it is alone; `equipmentId` is the number that must answer. */
function asciiMeterOf(entry: PlainEntry): Meter {
  const { line, meter, profile } = entry;
  const { equipmentId, serial = '' } = meter;
  if (profile.through !== 'ascii')
    throw new Error(
      `line ${line} speaks ASCII, profile ${profile.key} is not one of a meter that does (through: ascii)`,
    );
  if (!/^[0-9A-Za-z .]{0,32}$/.test(serial))
    throw new Error('serial must be its device address, up to 32 letters, digits, points and spaces, or be taken away');
  return {
    ...commonOf(entry),
    ...(equipmentId === undefined ? {} : { equipmentId }),
    ascii: { address: serial, identity: equipmentId ?? null },
  };
}

const MODBUS_UNIT_MAX = 247;

/** A Modbus device: `physical` is its address. */
function modbusMeterOf(entry: PlainEntry): Meter {
  const { line, meter, profile } = entry;
  const { physical } = meter;
  if (profile.through !== 'modbus')
    throw new Error(`line ${line} is Modbus, profile ${profile.key} is not one of a device on it (through: modbus)`);
  if (physical === undefined || physical < 1 || physical > MODBUS_UNIT_MAX)
    throw new Error(`physical must be its device address, 1 to ${MODBUS_UNIT_MAX}`);
  return { ...commonOf(entry), physicalDevice: physical, password: null };
}

/** Devices with one address would answer at once. */
export function sharedUnits(line: string, meters: readonly Meter[]): string[] {
  const units = meters.flatMap(({ profile, physicalDevice }) => (profile.through === 'modbus' ? [physicalDevice] : []));
  return new Set(units).size < units.length ? [`line ${line}: two devices have the same physical address`] : [];
}

/** Meters that are called by nothing are all called at once. */
export function unaddressed(line: string, meters: readonly Meter[]): string[] {
  const addresses = meters.flatMap(({ ascii }) => (ascii === undefined ? [] : [ascii.address.replace(/^0+/, '')]));
  if (addresses.length < 2) return [];
  return addresses.includes('') || new Set(addresses).size < addresses.length
    ? [`line ${line}: several meters hang here, so each needs a serial of its own`]
    : [];
}

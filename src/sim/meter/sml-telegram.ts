/**
 * What a simulated meter pushes on its optical data port in SML, from the registers and texts of its profile. As most meters it tells a
 * count of seconds instead of a time, unless it is one of those that know it.
 */

import { parseObis } from '../../dlms/cosem/obis.ts';
import { UNIT_NONE, unitCode } from '../../dlms/cosem/units.ts';
import { type SmlEntry, smlFile } from '../../dlms/telegram/sml-file.ts';
import type { RegisterRule } from '../../profile/schema/profile.ts';
import type { Device } from './device.ts';
import type { ToldRow } from './telegram.ts';

const SECOND_MS = 1_000;
/** Medium 1 and the letters of the maker in front of the number, as server ids of electricity meters are made. */
const SERVER_ID_HEAD = [0x0a, 0x01, ...new TextEncoder().encode('DWT')];
const SERVER_ID_OCTETS = 10;
/** Bits of the status of a register: energy flows in. */
const STATUS = 0x1c04n;

/** The file of now, and which values that tells. */
export function smlTelegramOf(device: Device): { readonly octets: Uint8Array; readonly told: readonly ToldRow[] } {
  const atMs = Math.floor(device.nowMs / SECOND_MS) * SECOND_MS;
  const { registers, attributes } = device.profile;
  const values = registers.map((register) => device.registerAt(register, atMs));
  const serverId = serverIdOf(device);
  const number = Math.floor((atMs - device.installedAtMs) / SECOND_MS);
  const entries: SmlEntry[] = [
    ...attributes.slice(0, 1).map(({ obis }) => ({
      obis: parseObis(obis),
      value: { kind: 'octets', value: serverId } as const,
    })),
    ...registers.map((register, at) => entryOf(register, BigInt(values[at] ?? 0), at)),
  ];
  const time = device.tellsTime
    ? ({ kind: 'timestamp', s: atMs / SECOND_MS } as const)
    : ({ kind: 'seconds-index', s: number } as const);
  return { octets: smlFile({ number, serverId, time, entries }), told: [{ device, atMs, registers, values }] };
}

function entryOf(register: RegisterRule, value: bigint, at: number): SmlEntry {
  const unit = register.unit === '' ? UNIT_NONE : (unitCode(register.unit) ?? UNIT_NONE);
  return {
    obis: parseObis(register.obis),
    value: { kind: 'integer', value, octets: 8 },
    scalerUnit: { scaler: register.exponent, unit },
    ...(at === 0 ? { status: { kind: 'unsigned', value: STATUS, octets: 3 } as const } : {}),
  };
}

/** `0A 01`, three letters, and the serial number in five octets. */
function serverIdOf({ serial }: Device): Uint8Array {
  const octets = new Uint8Array(SERVER_ID_OCTETS);
  octets.set(SERVER_ID_HEAD);
  let rest = Number(serial) || 0;
  for (let at = SERVER_ID_OCTETS - 1; at >= SERVER_ID_HEAD.length; at--, rest = Math.floor(rest / 256))
    octets.set([rest % 256], at);
  return octets;
}

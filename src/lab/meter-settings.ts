/** How an edge is told of a simulated meter: the entry of its line, and of the meters read through it. */
import type { SimMeter } from '../sim/fleet.ts';
import { equipmentIdOf } from '../sim/meter/telegram.ts';

/** Where the edge has what it needs to sign on. */
export interface MeterFiles {
  /** The password of all. */
  readonly passwordFile: string;
  /** Key file of a meter; absent = it has none. */
  keysFile(meterId: string): string | undefined;
  /** Since when those behind others hang there, ISO; absent = no row from before they were seen is theirs. */
  readonly installedAt?: string;
}

/** An entry of `lines[].meters`. */
export interface MeterEntry {
  readonly id: string;
  readonly profile: string;
  readonly [key: string]: string;
}

/** The entry of a meter that answers on a line. */
export function entryOf(meter: SimMeter, files: MeterFiles): MeterEntry {
  const { device, port } = meter;
  const { meterId, serial, profile } = device;
  const keysFile = files.keysFile(meterId);
  return {
    id: meterId,
    profile: profile.key,
    serial,
    ...(port === null ? {} : { equipmentId: equipmentIdOf(device) }),
    ...(profile.clients.some(({ security }) => security === 'lls') ? { passwordFile: files.passwordFile } : {}),
    ...(keysFile === undefined ? {} : { keysFile }),
  };
}

/** The entries of the meters that are read through another one. */
export function entriesBehind(host: SimMeter, files: MeterFiles): readonly MeterEntry[] {
  const { installedAt } = files;
  return host.subMeters.map(({ device }) => ({
    id: device.meterId,
    profile: device.profile.key,
    behind: host.device.meterId,
    equipmentId: device.serial,
    ...(installedAt === undefined ? {} : { installedAt }),
  }));
}

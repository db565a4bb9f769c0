/** Which addresses of a bus are asked: those of a list of meters, and ranges. */
import { CsvReader } from '../base/csv.ts';
import { FaultList } from '../collector/import/faults.ts';
import { RowReader } from '../collector/import/rows.ts';
import type { ListedMeter } from '../collector/ports.ts';
import type { Profile } from '../profile/schema/profile.ts';
import type { BusTarget } from './scan-bus.ts';

/** What becomes of a list: targets, and what is wrong with it in sentences; a line with a fault has no target. */
export interface ListedTargets {
  readonly targets: readonly BusTarget[];
  readonly problems: readonly string[];
}

/** The addresses of a list as the collector imports it; without an address the profile makes one of the serial number. */
export async function targetsOfList(
  octets: Uint8Array,
  profileOf: (key: string) => Promise<Profile>,
  model: string | undefined,
): Promise<ListedTargets> {
  const faults = new FaultList();
  const rows = readRows(octets, faults);
  const targets: BusTarget[] = [];
  const problems = faults
    .listed()
    .map(({ line, column, problem, wayOut }) => `line ${line}, ${column}: ${problem} ${wayOut}`);
  for (const { line, meter } of rows) {
    const key = meter.profile ?? model;
    const profile = key === undefined ? null : await profileOf(key);
    const target = targetOf(meter, profile);
    if (typeof target === 'string') problems.push(`line ${line}, ${meter.meterId}: ${target}`);
    else targets.push(target);
  }
  return { targets, problems: [...problems, ...conflictsOf(targets)] };
}

function readRows(octets: Uint8Array, faults: FaultList) {
  const csv = new CsvReader();
  const reader = new RowReader(faults);
  return [...csv.feed(octets), ...csv.end()].flatMap((record) => reader.take(record) ?? []);
}

function targetOf(meter: ListedMeter, profile: Profile | null): BusTarget | string {
  const { meterId, serial } = meter;
  const hdlc = profile?.hdlc ?? null;
  const address = meter.address ?? (serial === undefined ? undefined : hdlc?.physicalDevice.addressOf(serial));
  if (address === undefined)
    return 'It has no address, and no serial number and profile to make one of: fill the cells in, or give --model.';
  return {
    address,
    logicalDevice: hdlc?.logicalDevice ?? 1,
    ...(hdlc === null ? {} : { addressOctets: hdlc.addressOctets }),
    meterId,
    ...(serial === undefined ? {} : { serial }),
  };
}

/** Meters of a list that would have one address: on a bus they would answer at once. */
function conflictsOf(targets: readonly BusTarget[]): string[] {
  const owners = new Map<number, BusTarget>();
  return targets.flatMap((target) => {
    const { address, meterId = '' } = target;
    const owner = owners.get(address);
    if (owner === undefined) {
      owners.set(address, target);
      return [];
    }
    const way = 'Give one of them another address, or put it on another bus.';
    return [`${owner.meterId} and ${meterId} both have address ${address}. ${way}`];
  });
}

/** The addresses of a range, both ends included. */
export function targetsOfRange(from: number, to: number, profile: Profile | null): BusTarget[] {
  const hdlc = profile?.hdlc ?? null;
  return Array.from({ length: to - from + 1 }, (_, at) => ({
    address: from + at,
    logicalDevice: hdlc?.logicalDevice ?? 1,
    ...(hdlc === null ? {} : { addressOctets: hdlc.addressOctets }),
  }));
}

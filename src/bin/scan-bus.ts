/** The part of `deltawatt scan` that asks a bus which meters it has. */
import { fileURLToPath } from 'node:url';
import type { Env } from '../base/env.ts';
import type { FoundAddress } from '../collector/commissioning-ports.ts';
import { createHostEnv } from '../host/env.ts';
import { targetsOfList, targetsOfRange } from '../lab/bus-targets.ts';
import { type BusFinding, type BusTarget, scanBus } from '../lab/scan-bus.ts';
import { busJson, busLine, busSummary } from '../lab/scan-bus-text.ts';
import { LineDriver } from '../link/drive.ts';
import { openOnce } from '../link/link.ts';
import { linkOf } from '../link/registry.ts';
import { parseProfileOrThrow } from '../profile/schema/parse.ts';
import type { Profile } from '../profile/schema/profile.ts';
import { answered, COLLECTOR_OPTIONS, collectorClient } from './collector-options.ts';
import { type CommandIo, type OptionTable, wholeNumber } from './command.ts';
import { CommandError, EXIT, UsageError } from './errors.ts';
import { clientOf, type MeterOptionValues, meterTarget, PUBLIC_CLIENT } from './meter-options.ts';

const PROFILES_FOLDER = fileURLToPath(new URL('../../config/profiles', import.meta.url));
/** Physical HDLC addresses of two octets, without those that everybody hears. */
const ADDRESS_MIN = 1;
const ADDRESS_MAX = 16_381;
/** Meters answer within 500 ms at the latest (IEC 62056-46, 6.4.4.3.4); a range without answers must not take hours. */
const WAIT_DEFAULT_MS = 1_000;
/** A meter of a list should be there, so it is asked once more. */
const LIST_RETRIES = 1;
/** What the collector takes at once. */
const REPORT_ADDRESSES = 1_000;
/** See {@link REPORT_ADDRESSES}. */
const SENTENCE_MAX_CHARS = 400;

/** Options that make a scan of a meter one of a bus. */
export const BUS_OPTIONS = {
  list: { kind: 'text', value: 'FILE', what: 'asks the addresses of a list of meters, CSV as for import' },
  range: { kind: 'text', value: 'A..B', what: 'asks all physical HDLC addresses from A to B' },
  model: { kind: 'text', value: 'V/M', what: 'profile that says how addresses are made, where the list has none' },
  report: {
    kind: 'text',
    value: 'EDGE/LINE',
    what: 'tells the collector what was found, as on this line of a concentrator',
  },
  ...COLLECTOR_OPTIONS,
  wait: { kind: 'text', value: 'MS', what: `silence after which an address is empty; default ${WAIT_DEFAULT_MS}` },
} as const satisfies OptionTable;

interface BusValues extends MeterOptionValues {
  readonly list: string | undefined;
  readonly range: string | undefined;
  readonly model: string | undefined;
  readonly wait: string | undefined;
  readonly report: string | undefined;
  readonly collector: string | undefined;
  readonly 'token-file': string | undefined;
  readonly client: readonly string[];
  readonly json: boolean;
}

/** Whether a bus is meant. */
export function isBusScan(values: Pick<BusValues, 'list' | 'range'>): boolean {
  return values.list !== undefined || values.range !== undefined;
}

/** Asks the addresses, prints each as it is found and a summary; exit 1 when a meter of the list is not there as listed. */
export async function scanBusCommand(linkUrl: string, values: BusValues, io: CommandIo): Promise<number> {
  const env = createHostEnv({ logLevel: 'warn' });
  const [client = PUBLIC_CLIENT, ...more] = values.client.map(clientOf);
  if (more.length > 0) throw new UsageError('A bus is scanned as one --client.');
  const auth = client === PUBLIC_CLIENT ? { auth: 'none' } : {};
  const { authentication, security } = await meterTarget(linkUrl, client, { ...values, ...auth }, env);
  if (security !== undefined) throw new UsageError('A bus is scanned without keys: every meter has its own.');
  const link = linkOf(linkUrl, env);
  if (link.kind !== 'line' || link.purpose !== 'ask' || link.framing === 'wrapper' || link.findsByName === true)
    throw new UsageError(`${linkUrl} is no bus: --list and --range are for HDLC lines, serial:// or tcp+hdlc://.`);
  const { targets, problems } = await targetsOf(values, env);
  for (const problem of problems) io.tell(problem);
  const reporter = values.report === undefined ? null : await reporterOf(values.report, values, env);
  const timeoutMs = wholeNumber('wait', values.wait ?? String(WAIT_DEFAULT_MS), 50, 60_000);
  const driver = new LineDriver(await openOnce(link), env);
  try {
    const { gapMs, octetMs } = link;
    const retries = values.list === undefined ? 0 : LIST_RETRIES;
    const manners = { client, authentication, timeoutMs, retries, gapMs, octetMs };
    const findings = await scanBus(driver, targets, manners, (finding) => {
      if (!values.json && (values.list !== undefined || finding.state !== 'silent')) io.print(busLine(finding));
    });
    io.print(values.json ? `${JSON.stringify(busJson(findings, problems))}\n` : busSummary(findings));
    if (reporter !== null) io.tell(await reporter(findings));
    const good = problems.length === 0 && findings.every(({ state }) => state === 'found' || values.list === undefined);
    return good ? EXIT.done : EXIT.failed;
  } finally {
    driver.close();
    link.close?.();
  }
}

/** Sends findings to the collector, as many as a report takes at once; resolves to what became of them. */
async function reporterOf(
  place: string,
  values: BusValues,
  env: Pick<Env, 'disk'>,
): Promise<(findings: readonly BusFinding[]) => Promise<string>> {
  const [, edgeId, line] = /^([A-Za-z0-9_-]{1,32})\/([A-Za-z0-9._-]{1,32})$/.exec(place) ?? [];
  if (edgeId === undefined || line === undefined)
    throw new UsageError('--report takes EDGE/LINE, as in --report e17/bus1.');
  const client = await collectorClient(values, env);
  return async (findings) => {
    const states: string[] = [];
    for (let at = 0; at < findings.length; at += REPORT_ADDRESSES) {
      const addresses = findings.slice(at, at + REPORT_ADDRESSES).map(foundOf);
      const answer = await answered<{ readonly items: readonly { readonly state: string }[] }>(
        client.post(`edges/${edgeId}/findings`, { line, addresses }),
      );
      states.push(...answer.items.map(({ state }) => state));
    }
    const count = (state: string) => states.filter((each) => each === state).length;
    return `Told ${edgeId}: ${count('commissioned')} commissioned, ${count('waiting')} wait in the inbox, ${count('refused')} were refused before.`;
  };
}

function foundOf({ address, state, toldSerial, deviceName, firmware, sentence }: BusFinding): FoundAddress {
  return {
    address,
    state,
    ...(toldSerial === null ? {} : { serial: toldSerial.trim() }),
    ...(deviceName === null ? {} : { deviceName }),
    ...(firmware === null ? {} : { firmware }),
    sentence: sentence.slice(0, SENTENCE_MAX_CHARS),
  };
}

async function targetsOf(
  { list, range, model }: BusValues,
  env: Pick<Env, 'disk'>,
): Promise<{ readonly targets: readonly BusTarget[]; readonly problems: readonly string[] }> {
  const profiles = new Map<string, Profile>();
  const profileOf = async (key: string): Promise<Profile> => {
    const known = profiles.get(key);
    if (known !== undefined) return known;
    const octets = await env.disk.readFile(`${PROFILES_FOLDER}/${key}.yaml`);
    if (octets === undefined) throw new CommandError(`There is no profile ${key}.`);
    const profile = parseProfileOrThrow(new TextDecoder().decode(octets), key);
    profiles.set(key, profile);
    return profile;
  };
  const targets: BusTarget[] = [];
  const problems: string[] = [];
  if (list !== undefined) {
    const octets = await env.disk.readFile(list);
    if (octets === undefined) throw new CommandError(`There is no file ${list}.`);
    const listed = await targetsOfList(octets, profileOf, model);
    targets.push(...listed.targets);
    problems.push(...listed.problems.map((problem) => `${list}: ${problem}`));
  }
  if (range !== undefined) {
    const [from, to] = rangeOf(range);
    const known = new Set(targets.map(({ address }) => address));
    const profile = model === undefined ? null : await profileOf(model);
    targets.push(...targetsOfRange(from, to, profile).filter(({ address }) => !known.has(address)));
  }
  return { targets, problems };
}

function rangeOf(text: string): readonly [number, number] {
  const [, from, to] = /^(\d{1,5})\.\.(\d{1,5})$/.exec(text) ?? [];
  if (from === undefined || to === undefined) throw new UsageError('--range takes A..B, as in --range 17..120.');
  const first = wholeNumber('range', from, ADDRESS_MIN, ADDRESS_MAX);
  return [first, wholeNumber('range', to, first, ADDRESS_MAX)];
}

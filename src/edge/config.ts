/** Settings of the edge: one schema for the file, its checks and its commented example. */
import { type ConfigOf, list, maybe, oneOf, section, text, whole } from '../base/config.ts';
import type { Problem } from '../base/problems.ts';
import { parseIso } from '../base/time.ts';
import { tellsJoins } from '../link/registry.ts';
import { IDENTITY_PATTERN } from '../mbus/identity.ts';
import { isTimeZone } from '../profile/zone.ts';
import { GATEWAY_METERS_MAX, LINES_MAX, METERS_PER_LINE_MAX } from './limits.ts';
import { PLAN, planContradictions } from './plan-settings.ts';

const METER = section('A meter', {
  id: text({
    what: 'Id of the meter, as at the collector',
    pattern: '^[A-Za-z0-9._-]{1,64}$',
    form: '1 to 64 of A-Z a-z 0-9 . _ -',
    example: 'm0001',
  }),
  profile: text({ what: 'Its model, as the profiles lie', example: 'generic/idis' }),
  serial: maybe(text({ what: 'Serial number, from which the profile makes the address', example: '10000001' })),
  logical: maybe(whole({ what: 'Logical device; default as the profile says', from: 0, to: 16_383, example: 1 })),
  physical: maybe(
    whole({ what: 'Physical HDLC address; default by the profile from serial', from: 0, to: 16_383, example: 17 }),
  ),
  passwordFile: maybe(
    text({ what: 'File with the password of low-level security', example: '/etc/deltawatt/meters/m0001.password' }),
  ),
  keysFile: maybe(
    text({
      what: 'File with the keys of high-level security or of a ciphered port, for its owner only (mode 600)',
      example: '/etc/deltawatt/meters/m0001.keys',
    }),
  ),
  deviceName: maybe(
    text({
      what: 'Logical device name that it must tell; default the one that it told first',
      maxLength: 64,
      example: 'DWE10000001',
    }),
  ),
  equipmentId: maybe(
    text({
      what: 'Which sub-meter it is: its equipment identifier in telegrams, or its M-Bus number (or KAM.12345678.1B.16) behind a meter and on a wired M-Bus',
      pattern: '^[!-~]{1,64}$',
      form: '1 to 64 characters without spaces',
      example: 'G0001234567890123',
    }),
  ),
  behind: maybe(
    text({
      what: 'Id of the meter of this line on whose M-Bus it hangs: it is read through that one',
      example: 'm0001',
    }),
  ),
  installedAt: maybe(
    text({
      what: 'Behind a meter: since when it hangs there; default: no row from before it was first seen there is its own',
      example: '2026-03-01T10:00:00Z',
    }),
  ),
  timeZone: maybe(text({ what: 'Time zone of its site; default timeZone above', example: 'Europe/Berlin' })),
});

const LINE = section('A line', {
  id: text({
    what: 'Name of the line, for logs and health',
    pattern: '^[A-Za-z0-9._-]{1,32}$',
    form: '1 to 32 of A-Z a-z 0-9 . _ -',
    example: 'bus1',
  }),
  url: text({ what: 'Address of the line', example: 'serial:///dev/ttyS1?baud=9600' }),
  sampleS: whole({
    what: 'On a port that pushes: shortest time between two stored readings of one list, 0 = all are stored',
    from: 0,
    to: 86_400,
    unit: 'seconds',
    default: 900,
  }),
  meters: list(METER, { what: 'Meters of the line', max: METERS_PER_LINE_MAX }),
});

/** Everything that can be set. */
export const EDGE_CONFIG = section('Settings of the edge', {
  stateFolder: text({ what: 'Folder of the journal', default: '/var/lib/deltawatt/edge' }),
  enrolmentFile: text({
    what: 'File that the collector gave out for this concentrator: id, broker, keys',
    default: '/etc/deltawatt/enrolment.json',
  }),
  limitsFile: maybe(
    text({
      what: 'Signed document with the limits of this concentrator; without it the built-in ones hold',
      example: '/etc/deltawatt/limits.json',
    }),
  ),
  profilesFolder: maybe(
    text({ what: 'Folder of the meter profiles; default those of the package', example: '/etc/deltawatt/profiles' }),
  ),
  metersFolder: text({
    what: 'Folder with the files of meters that were accepted at the collector: METER.password and METER.keys (mode 600)',
    default: '/etc/deltawatt/meters',
  }),
  timeZone: text({ what: 'IANA time zone of the site', default: 'UTC', example: 'Europe/Berlin' }),
  log: oneOf(['error', 'warn', 'info', 'debug', 'trace'], { what: 'Least important log lines', default: 'info' }),
  uplink: section('The way to the collector', {
    url: maybe(text({ what: 'Broker; default as enrolled', example: 'mqtts://collector.example:8883' })),
    caFile: maybe(text({ what: 'Certificates that may sign the broker, PEM', example: '/etc/deltawatt/ca.pem' })),
    certFile: maybe(text({ what: 'Certificate of this concentrator, PEM', example: '/etc/deltawatt/edge.pem' })),
    keyFile: maybe(text({ what: 'Its private key, PEM', example: '/etc/deltawatt/edge.key' })),
    spreadS: whole({
      what: 'After a boot of the machine the first connection waits a random part of this',
      from: 0,
      to: 3_600,
      unit: 'seconds',
      default: 60,
    }),
  }),
  journal: section('What waits for the collector', {
    quotaMiB: whole({ what: 'Space of the journal', from: 8, to: 1_048_576, unit: 'MiB', default: 256 }),
    store: oneOf(['auto', 'level', 'log'], {
      what: 'Store: LevelDB, the append log in plain JavaScript, or auto: the first where it loads',
      default: 'auto',
    }),
    keepDays: whole({
      what: 'Longest time that readings wait for the collector, counted while the clock is set; 0 = no limit',
      from: 0,
      to: 3_660,
      unit: 'days',
      default: 0,
    }),
    evictFirst: oneOf(['logs', 'low-value', 'oldest'], {
      what: 'What is given up first when the space is used up; the others follow in this order',
      default: 'logs',
    }),
    ballastMiB: whole({
      what: 'File that keeps room for the store on a full disk, 0 = none',
      from: 0,
      to: 256,
      unit: 'MiB',
      default: 8,
    }),
    flushS: whole({
      what: 'Longest time that what was read waits in memory for more before it is stored; meters still hold it',
      from: 1,
      to: 3_600,
      unit: 'seconds',
      default: 60,
    }),
  }),
  reading: section('Reading meters', {
    historyDays: whole({
      what: 'How far back a new meter is read, 0 = as far as it goes',
      from: 0,
      to: 3_660,
      unit: 'days',
      default: 0,
    }),
    permanentAfterS: whole({
      what: 'A meter of which nothing was heard for so long is a permanent failure: it is called once an hour',
      from: 3_600,
      to: 2_592_000,
      unit: 'seconds',
      default: 86_400,
    }),
    plainRelay: oneOf(['allow', 'refuse'], {
      what: 'Orders to a relay that would reach the meter in clear, at most under a password; refuse where meters have keys',
      default: 'allow',
    }),
  }),
  clock: section('Clocks of meters, beside the time of the concentrator', {
    toleranceS: maybe(
      whole({
        what: 'Difference up to which a clock is left alone; default as the profile of the meter says, 30 as a rule',
        from: 1,
        to: 3_600,
        unit: 'seconds',
        example: 30,
      }),
    ),
    maxStepS: maybe(
      whole({
        what: 'Difference above which a clock counts as wrong, and its rows as doubtful; default as the profile says, 3600 as a rule',
        from: 60,
        to: 86_400,
        unit: 'seconds',
        example: 3_600,
      }),
    ),
  }),
  order: section('Orders to relays', {
    validityS: whole({
      what: 'An order that would be valid for longer is refused',
      from: 60,
      to: 2_592_000,
      unit: 'seconds',
      default: 86_400,
    }),
    checkDelayS: whole({
      what: 'Wait between an order and the first look at the relay',
      from: 3,
      to: 30,
      unit: 'seconds',
      default: 3,
    }),
  }),
  health: section('Health and metrics over HTTP, for this machine only', {
    host: text({ what: 'Address to listen on', default: '127.0.0.1' }),
    port: whole({ what: 'Port, 0 takes a free one', from: 0, to: 65_535, default: 9464 }),
  }),
  gateway: maybe(
    section('DLMS gateway: tools of the head-end talk to meters through this concentrator, with keys of their own', {
      host: text({ what: 'Address to listen on', default: '127.0.0.1' }),
      port: whole({ what: 'Port of the wrapper, 0 takes a free one', from: 0, to: 65_535, default: 4059 }),
      networkId: whole({
        what: 'Network id in the prefix of the meters of this concentrator',
        from: 0,
        to: 255,
        default: 0,
      }),
      meters: list(text({ what: 'Id of a meter' }), {
        what: 'Meters that may be reached; their ids, as text, are the addresses in the prefix',
        max: GATEWAY_METERS_MAX,
        example: ['m0001'],
      }),
      idleS: whole({
        what: 'An association that is silent this long is ended',
        from: 1,
        to: 600,
        unit: 'seconds',
        default: 30,
      }),
      holdS: whole({
        what: 'Longest time that one association may have the line of the meter',
        from: 1,
        to: 3_600,
        unit: 'seconds',
        default: 300,
      }),
    }),
  ),
  plan: PLAN,
  lines: list(LINE, {
    what: 'Lines and their meters',
    max: LINES_MAX,
    example: [
      {
        id: 'bus1',
        url: 'serial:///dev/ttyS1?baud=9600',
        meters: [
          {
            id: 'm0001',
            profile: 'generic/idis',
            serial: '10000001',
            passwordFile: '/etc/deltawatt/meters/m0001.password',
          },
        ],
      },
    ],
  }),
});

/** A parsed file. */
export type EdgeConfig = ConfigOf<typeof EDGE_CONFIG>;

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;

/** A meter of a line as it is entered. */
export type MeterConfig = EdgeConfig['lines'][number]['meters'][number];

function behindProblems(meter: MeterConfig): readonly (readonly [key: string, sentence: string])[] {
  const { behind, equipmentId, installedAt } = meter;
  if (behind === undefined)
    return installedAt === undefined
      ? []
      : [['installedAt', 'is for meters behind a meter: give behind, or take it away']];
  const own = (['serial', 'logical', 'physical', 'passwordFile', 'keysFile'] as const).filter(
    (key) => meter[key] !== undefined,
  );
  return [
    ...own.map((key) => [key, `is that of ${behind}, through which it is read: take it away`] as const),
    ...(equipmentId !== undefined && IDENTITY_PATTERN.test(equipmentId)
      ? []
      : [['equipmentId', 'must be its M-Bus number, as 12345678, or its identity, as KAM.12345678.1B.16'] as const]),
    ...(installedAt === undefined || parseIso(installedAt) !== null
      ? []
      : [['installedAt', 'is no moment: write one like 2026-03-01T10:00:00Z'] as const]),
  ];
}

/** Contradictions between keys; `linkProblems` says what is wrong with the address of a line. */
export function edgeContradictions(
  config: EdgeConfig,
  linkProblems: (url: string) => readonly string[],
): readonly Problem[] {
  const problems: Problem[] = [];
  const note = (path: string, sentence: string) => problems.push({ path, sentence });
  if (!isTimeZone(config.timeZone)) note('timeZone', 'is no IANA time zone: write one like Europe/Berlin');
  if (!LOOPBACK.test(config.health.host)) note('health.host', 'must be loopback: these pages have no password');
  if ((config.uplink.certFile === undefined) !== (config.uplink.keyFile === undefined)) {
    note('uplink.certFile', 'and uplink.keyFile belong together: give both or none');
  }
  const lineIds = new Set<string>();
  const meterIds = new Set<string>();
  for (const [at, line] of config.lines.entries()) {
    const path = `lines[${at}]`;
    if (lineIds.has(line.id)) note(`${path}.id`, `${line.id} is the id of another line: give each its own`);
    lineIds.add(line.id);
    for (const sentence of linkProblems(line.url)) note(`${path}.url`, sentence);
    for (const [index, meter] of line.meters.entries()) {
      const where = `${path}.meters[${index}]`;
      if (meterIds.has(meter.id)) note(`${where}.id`, `${meter.id} is the id of another meter: give each its own`);
      meterIds.add(meter.id);
      if (meter.timeZone !== undefined && !isTimeZone(meter.timeZone)) {
        note(`${where}.timeZone`, 'is no IANA time zone: write one like Europe/Berlin');
      }
      for (const [key, sentence] of behindProblems(meter)) note(`${where}.${key}`, sentence);
    }
    if (line.meters.length === 0 && !tellsJoins(line.url))
      note(`${path}.meters`, 'is empty: name the meters of the line, or take the line away');
  }
  for (const [at, meterId] of (config.gateway?.meters ?? []).entries()) {
    if (!meterIds.has(meterId)) note(`gateway.meters[${at}]`, `${meterId} is the id of no meter of the lines below`);
    const { behind } = config.lines.flatMap(({ meters }) => meters).find(({ id }) => id === meterId) ?? {};
    if (behind !== undefined)
      note(`gateway.meters[${at}]`, `${meterId} is read through ${behind}: tools talk to that one`);
  }
  return [...problems, ...planContradictions(config.plan, { lines: lineIds, meters: meterIds })];
}

/** `deltawatt sim`. */
import { fileURLToPath } from 'node:url';
import { createHostEnv } from '../../host/env.ts';
import { onStopSignal } from '../../host/signals.ts';
import { FLEET_METERS_MAX } from '../../sim/limits.ts';
import { LOAD_FAULTS } from '../../sim/meter/device.ts';
import { IMAGE_FAULTS, type ImageFault } from '../../sim/meter/firmware.ts';
import { destinationOf } from '../../sim/meter/push-setup.ts';
import { dailyWindow } from '../../sim/meter/push-window.ts';
import { HOSTILITIES } from '../../sim/serve/hostile-transport.ts';
import { MISBEHAVIOURS } from '../../sim/serve/misbehave.machine.ts';
import { Simulator, type SimulatorOptions } from '../../sim/simulator.ts';
import { defineCommand, wholeNumber } from '../command.ts';
import { EXIT, UsageError } from '../errors.ts';
import { keysIn, referencingOf } from '../meter-options.ts';

const IMAGE_FAULT_NAMES = Object.keys(IMAGE_FAULTS) as ImageFault[];
const FAULTS: readonly string[] = [...MISBEHAVIOURS, ...LOAD_FAULTS, ...HOSTILITIES, ...IMAGE_FAULT_NAMES];

const CONFIG_FOLDER = fileURLToPath(new URL('../../../config', import.meta.url));
const HISTORY_DAYS_MAX = 3_660;
/** Letters of a line of help. */
const LINE_MAX = 118;

/** Plays meters until it is stopped; tells on stdout, one JSON document a line, where each of them is. */
export const simCommand = defineCommand({
  name: 'sim',
  summary: 'Plays one meter or a fleet of them, for edges and clients to read',
  arguments: 'meter|fleet --profile V/M --listen URL... [options]',
  details:
    'URL: tcp://HOST:PORT (wrapper, a port for each meter), tcp+hdlc://HOST:PORT or serial:///dev/NAME?baud=9600 (a line\n' +
    'with all of them), optical:///dev/NAME (one meter behind the sign-on of an optical head).\n' +
    'Prints {meterId, serial, profile, url, client, names, server, password} for each meter, keys too where its profile\n' +
    'signs on with hls-gmac, systemTitle where it has keys, then serves.\n' +
    'Misbehaviours:\n' +
    listed('  on the line', MISBEHAVIOURS) +
    listed('  behind the relay', LOAD_FAULTS) +
    listed('  attacks on the reader', HOSTILITIES) +
    listed('  with a firmware on its way in', IMAGE_FAULT_NAMES).trimEnd(),
  options: {
    profile: { kind: 'texts', value: 'V/M', what: 'profile to play; several are taken in turn (default generic/idis)' },
    listen: { kind: 'texts', value: 'URL', what: 'where to answer; several share the meters' },
    count: { kind: 'text', value: 'N', what: 'meters of a fleet (default 10)' },
    seed: { kind: 'text', value: 'S', what: 'the same seed plays the same meters (default 1)' },
    days: { kind: 'text', value: 'N', what: 'days of history already in the buffers (default 14)' },
    names: { kind: 'text', value: 'HOW', what: 'short or logical names of objects (default: as the profile says)' },
    zone: { kind: 'text', value: 'ZONE', what: 'time zone of the site (default Europe/Berlin)' },
    objects: { kind: 'text', value: 'FILE', what: 'objects of any class beside those of the profile (YAML)' },
    'unsure-classes': { kind: 'flag', what: 'also serve classes whose tables were written from memory alone' },
    ledger: { kind: 'text', value: 'FILE', what: 'write every produced value there before it can be read' },
    misbehave: {
      kind: 'texts',
      value: 'N=HOW',
      what: 'let meter N (from 1) misbehave; one of each kind a meter',
    },
    push: {
      kind: 'text',
      value: 'HOST:PORT',
      what: 'where meters push the lists of their profile to (default: nowhere)',
    },
    'push-confirmed': { kind: 'flag', what: 'pushes ask for a confirmation and are sent again without one' },
    'push-window': {
      kind: 'texts',
      value: 'HH:MM-HH:MM',
      what: 'when meters may push, by their own clock (default: always)',
    },
    'push-spread': { kind: 'text', value: 'S', what: 'longest random wait before a push, s (default 0)' },
    'tell-events': { kind: 'flag', what: 'meters tell their events at once to whoever is associated' },
    'tell-time': { kind: 'flag', what: 'meters say the time in SML (default: a count of seconds, as most)' },
    'broadcast-loss': {
      kind: 'text',
      value: 'PERCENT',
      what: 'share of messages to all stations that each meter misses',
    },
    security: { kind: 'text', value: 'FILE', what: 'key file of sim meter, seen from the meter (docs/dlms.md)' },
    config: { kind: 'text', value: 'DIR', what: 'folder with profiles/ and loads/ (default: those of the package)' },
  },
  run: async (values, words, io) => {
    const [what, ...rest] = words;
    if ((what !== 'meter' && what !== 'fleet') || rest.length > 0)
      throw new UsageError('Write sim meter or sim fleet.');
    if (what === 'meter' && values.count !== undefined) throw new UsageError('--count belongs to sim fleet.');
    if (what === 'fleet' && values.security !== undefined)
      throw new UsageError('--security belongs to sim meter: no two meters have the same keys.');
    if (values.listen.length === 0) throw new UsageError('--listen is missing, as in --listen tcp://127.0.0.1:4059.');
    if (values.push !== undefined && destinationOf(values.push) === null)
      throw new UsageError('--push takes HOST:PORT, as in --push 127.0.0.1:4059.');
    const env = createHostEnv({ logLevel: 'info' });
    const simulator = await Simulator.start(env, {
      configFolder: values.config ?? CONFIG_FOLDER,
      profiles: values.profile.length === 0 ? ['generic/idis'] : values.profile,
      listen: values.listen,
      count: what === 'meter' ? 1 : wholeNumber('count', values.count ?? '10', 1, FLEET_METERS_MAX),
      seed: values.seed ?? '1',
      days: wholeNumber('days', values.days ?? '14', 0, HISTORY_DAYS_MAX),
      timeZone: values.zone ?? 'Europe/Berlin',
      ledgerFile: values.ledger ?? null,
      misbehaviours: faultsOf(values.misbehave, MISBEHAVIOURS),
      loadFaults: faultsOf(values.misbehave, LOAD_FAULTS),
      hostilities: faultsOf(values.misbehave, HOSTILITIES),
      imageFaults: faultsOf(values.misbehave, IMAGE_FAULT_NAMES),
      classRules: { unsureClasses: values['unsure-classes'] },
      tellsEvents: values['tell-events'],
      tellsTime: values['tell-time'],
      broadcastLoss: wholeNumber('broadcast-loss', values['broadcast-loss'] ?? '0', 0, 100) / 100,
      ...(values.push === undefined ? {} : { push: pushOf(values.push, values) }),
      ...(values.objects === undefined ? {} : { objectsFile: values.objects }),
      ...(values.names === undefined ? {} : { referencing: referencingOf(values.names) }),
      ...(values.security === undefined ? {} : { securities: new Map([[0, await keysIn(values.security, env.disk)]]) }),
    });
    for (const { meter, url, framing, address } of simulator.reached) {
      io.print(`${JSON.stringify(meter.cardAt(url, framing, address))}\n`);
    }
    io.tell(
      `${simulator.reached.length === 1 ? '1 meter answers; Ctrl-C ends it' : `${simulator.reached.length} meters answer; Ctrl-C ends them`}.`,
    );
    return new Promise<number>((resolve) => {
      onStopSignal(env.log, () => simulator.stop().then(() => resolve(EXIT.done)));
    });
  },
});

/** Where, when and how meters push; throws {@link UsageError} for a window that is none. */
function pushOf(
  destination: string,
  values: {
    readonly 'push-confirmed': boolean;
    readonly 'push-window': readonly string[];
    readonly 'push-spread'?: string | undefined;
  },
): NonNullable<SimulatorOptions['push']> {
  const windows = values['push-window'].map((text) => {
    const window = dailyWindow(text);
    if (window === null) throw new UsageError('--push-window takes HH:MM-HH:MM, as in --push-window 22:00-06:00.');
    return window;
  });
  const randomisationS = wholeNumber('push-spread', values['push-spread'] ?? '0', 0, 65_535);
  return { destination, confirmed: values['push-confirmed'], windows, randomisationS };
}

/** The meters with one of these faults; throws {@link UsageError} for one that nobody knows. */
function faultsOf<Fault extends string>(texts: readonly string[], names: readonly Fault[]): Map<number, Fault> {
  const found = new Map<number, Fault>();
  for (const text of texts) {
    const [number = '', how = ''] = text.split('=');
    const meter = wholeNumber('misbehave', number, 1, FLEET_METERS_MAX) - 1;
    if (!FAULTS.includes(how)) throw new UsageError(`--misbehave takes N=HOW, HOW one of ${FAULTS.join(', ')}.`);
    const known = names.find((name) => name === how);
    if (known !== undefined) found.set(meter, known);
  }
  return found;
}

/** Names under their heading, in lines of a terminal's width. */
function listed(heading: string, names: readonly string[]): string {
  const lines = [`${heading}:`];
  for (const name of names) {
    const line = lines.pop() ?? '';
    if (line.length + name.length + 2 > LINE_MAX) lines.push(`${line},`, `    ${name}`);
    else lines.push(line.endsWith(':') ? `${line} ${name}` : `${line}, ${name}`);
  }
  return `${lines.join('\n')}\n`;
}

/** `deltawatt attack`. */

import { readMeterKeys } from '../../edge/meter-keys.ts';
import { createHostEnv } from '../../host/env.ts';
import { attacksText, runAttacks } from '../../lab/attack/attack.ts';
import { METER_ATTACKS } from '../../lab/attack/meter-attacks.ts';
import { MeterVictim, type SharedKeys } from '../../lab/attack/victim.ts';
import { defineCommand, wholeNumber } from '../command.ts';
import { EXIT, UsageError } from '../errors.ts';
import { clientOf, METER_OPTIONS, meterTarget } from '../meter-options.ts';

// Not taken: `gateway` and `names`, since the attacks speak to the other end of the link, by logical names.
const { server, auth, 'password-file': passwordFile, timeout } = METER_OPTIONS;
const SEED_MAX = 2 ** 31 - 1;
const MECHANISMS = ['hls-md5', 'hls-sha1', 'hls-gmac', 'hls-sha256'] as const;

/** Attacks one meter over a link and says what held. */
export const attackCommand = defineCommand({
  name: 'attack',
  summary: 'Attacks one meter in the ways that DLMS meters are attacked, and says what held',
  arguments: 'LINK [options] [ATTACK...]',
  details:
    'For meters that are yours. LINK is an address as for read. Each attack is held, fell or not applicable, with a sentence;\n' +
    'exit 1 when one fell. Without --intrusive nothing is tried that may change the meter. Invocation counters are used up\n' +
    'from --counter (else firstCounter of the key file) on: give one above all that the meter has seen.\n' +
    'A wrong ATTACK lists them all.',
  options: {
    client: { kind: 'text', value: 'N', what: 'client address; default 1' },
    server,
    auth,
    'password-file': passwordFile,
    timeout: { ...timeout, what: 'seconds to wait for each answer; default 5' },
    'key-file': { kind: 'text', value: 'FILE', what: 'key file of the meter, as for the edge; mode 600' },
    mechanism: { kind: 'text', value: 'KIND', what: `with a key file: ${MECHANISMS.join(', ')} or as --auth says` },
    counter: { kind: 'text', value: 'N', what: 'first invocation counter to use' },
    intrusive: { kind: 'flag', what: 'also attacks that may change the meter, such as opening its relay' },
    seed: { kind: 'text', value: 'S', what: 'seed of random messages, default 1' },
    json: { kind: 'flag', what: 'one JSON document: a list of attacks with verdict and sentence' },
  },
  run: async (values, words, io) => {
    const [link, ...names] = words;
    if (link === undefined) throw new UsageError('attack takes a LINK.');
    const env = createHostEnv({ logLevel: 'silent' });
    const file = values['key-file'];
    const keys = file === undefined ? null : await readMeterKeys(file, env);
    if (keys !== null && keys.clientTitle === null) throw new UsageError(`${file} names no clientTitle.`);
    const security: SharedKeys | null =
      keys === null || keys.clientTitle === null
        ? null
        : { ...keys, clientTitle: keys.clientTitle, serverTitle: keys.meterTitle };
    const reached = { ...values, names: undefined, gateway: undefined, security: undefined };
    const target = await meterTarget(link, clientOf(values.client ?? '1'), reached, env);
    const mechanism = MECHANISMS.find((each) => each === values.mechanism);
    if (values.mechanism !== undefined && mechanism === undefined)
      throw new UsageError(`--mechanism takes ${MECHANISMS.join(', ')}, not ${values.mechanism}.`);
    const victim = new MeterVictim(env, {
      link,
      client: target.client,
      server: target.server,
      authentication: mechanism === undefined ? target.authentication : highLevel(mechanism, keys?.secret ?? null),
      security,
      firstCounter: wholeNumber('counter', values.counter ?? String(keys?.firstCounter ?? 1), 1, 2 ** 32 - 2),
      timeoutMs: target.requestTimeoutMs,
      seed: wholeNumber('seed', values.seed ?? '1', 0, SEED_MAX),
    });
    const reports = await runAttacks(chosen(names), victim, {
      intrusive: values.intrusive,
      after: ({ name, verdict }) => {
        victim.endLines();
        io.tell(`${name}: ${verdict}`);
      },
    });
    io.print(values.json ? `${JSON.stringify(reports)}\n` : attacksText(reports));
    return reports.some(({ verdict }) => verdict === 'fell') ? EXIT.failed : EXIT.done;
  },
});

type HighLevel = (typeof MECHANISMS)[number];

function highLevel(mechanism: HighLevel, secret: NonNullable<Awaited<ReturnType<typeof readMeterKeys>>>['secret']) {
  const challenge = new Uint8Array(0);
  if (mechanism === 'hls-gmac') return { mechanism, challenge };
  if (secret === null) throw new UsageError(`--mechanism ${mechanism} needs a secret in the key file.`);
  return { mechanism, secret, challenge };
}

function chosen(names: readonly string[]) {
  if (names.length === 0) return METER_ATTACKS;
  return names.map((name) => {
    const attack = METER_ATTACKS.find((each) => each.name === name);
    if (attack === undefined) {
      const known = METER_ATTACKS.map((each) => each.name);
      throw new UsageError(`There is no attack ${name}; there is ${known.join(', ')}.`);
    }
    return attack;
  });
}

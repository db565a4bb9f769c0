/** `deltawatt attack`. */

import type { Env } from '../../base/env.ts';
import { CounterSender } from '../../dlms/index.ts';
import { createHostEnv } from '../../host/env.ts';
import { attacksText, runAttacks } from '../../lab/attack/attack.ts';
import { METER_ATTACKS } from '../../lab/attack/meter-attacks.ts';
import { MeterVictim, type VictimOptions } from '../../lab/attack/victim.ts';
import { FileCounter } from '../../lab/file-counter.ts';
import type { MeterTarget } from '../../lab/one-shot.ts';
import { defineCommand, wholeNumber } from '../command.ts';
import { EXIT, UsageError } from '../errors.ts';
import { KEY_OPTIONS } from '../key-parts.ts';
import { clientOf, METER_OPTIONS, meterTarget } from '../meter-options.ts';

// Not taken: `gateway` and `names`, since the attacks speak to the other end of the link, by logical names.
const { server, auth, 'password-file': passwordFile, security, timeout } = METER_OPTIONS;
const SEED_MAX = 2 ** 31 - 1;

/** Attacks one meter over a link and says what held. */
export const attackCommand = defineCommand({
  name: 'attack',
  summary: 'Attacks one meter in the ways that DLMS meters are attacked, and says what held',
  arguments: 'LINK [options] [ATTACK...]',
  details:
    'For meters that are yours. LINK is an address as for read. Each attack is held, fell or not applicable, with a sentence;\n' +
    'exit 1 when one fell. Without --intrusive nothing is tried that may change the meter. Invocation counters are taken from\n' +
    'the file beside the key file, as read takes them: about 1,500 are used up with the keys.\n' +
    'A wrong ATTACK lists them all.',
  options: {
    client: { kind: 'text', value: 'N', what: 'client address; default 1' },
    server,
    auth,
    'password-file': passwordFile,
    security,
    ...KEY_OPTIONS,
    timeout: { ...timeout, what: 'seconds to wait for each answer; default 5' },
    intrusive: { kind: 'flag', what: 'also attacks that may change the meter, such as opening its relay' },
    seed: { kind: 'text', value: 'S', what: 'seed of random messages, default 1' },
    json: { kind: 'flag', what: 'one JSON document: a list of attacks with verdict and sentence' },
  },
  run: async (values, words, io) => {
    const [link, ...names] = words;
    if (link === undefined) throw new UsageError('attack takes a LINK.');
    const env = createHostEnv({ logLevel: 'silent' });
    const reached = { ...values, names: undefined, gateway: undefined };
    const target = await meterTarget(link, clientOf(values.client ?? '1'), reached, env);
    const victim = new MeterVictim(env, {
      link,
      client: target.client,
      server: target.server,
      authentication: target.authentication,
      ...(await keysOf(target.security, env)),
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

/** Keys and counter as `read` uses them: the numbers used here are stored beside the key file and never used again. */
async function keysOf(
  given: MeterTarget['security'],
  env: Env,
): Promise<Pick<VictimOptions, 'security' | 'counter' | 'reserve'>> {
  if (given === undefined) return { security: null, counter: new CounterSender(1), reserve: () => Promise.resolve() };
  const { suite, clientTitle, meterTitle, keys, policy } = given.keys;
  if (clientTitle === null) throw new UsageError('The key file lacks clientTitle.');
  const counter = await FileCounter.open(given.counterFile, given.keys, env);
  return {
    security: { suite, clientTitle, serverTitle: meterTitle, keys, policy },
    counter: counter.sender,
    reserve: () => counter.reserve(),
  };
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

/** A simulated meter with a key file of its own, and a desk with a disk from which it is asked, on one virtual clock. */
import assert from 'node:assert/strict';
import { toHex } from '../../src/base/bytes.ts';
import type { Env } from '../../src/base/env.ts';
import { type HlsMechanism, hlsSignOn, type MeterSession } from '../../src/dlms/index.ts';
import { parseMeterKeys } from '../../src/dlms/security/key-file.ts';
import type { MeterSecurity } from '../../src/dlms/security/meter-security.ts';
import { octetsOfKey } from '../../src/dlms/security/secret-key.ts';
import { SUITES, type SuiteId } from '../../src/dlms/security/suite.ts';
import { withMeter } from '../../src/lab/one-shot.ts';
import { parseReadObject, readObjects } from '../../src/lab/read-once.ts';
import { MemoryLines } from '../../src/link/memory.ts';
import { SimMeter, serveLine } from '../../src/sim/fleet.ts';
import { testWorld } from '../unit/edge/world.ts';
import { profileOf } from '../unit/sim/world.ts';
import { during } from './during.ts';
import { freshPair, randomOctets } from './fresh-pair.ts';

const CLIENT_TITLE = '4d4d4d0000000001';

/** Key files of both sides of a suite; `more` stands in both. */
export function keyFiles(suite: SuiteId, more: readonly string[] = []): { client: string; meter: string } {
  const key = () => toHex(randomOctets(SUITES[suite].keyBytes));
  const shared = [
    `suite: ${suite}`,
    `clientTitle: "${CLIENT_TITLE}"`,
    `encryptionKey: "${key()}"`,
    `authenticationKey: "${key()}"`,
    `masterKey: "${key()}"`,
    ...more,
  ];
  const { curve } = SUITES[suite];
  if (curve === null) return { client: shared.join('\n'), meter: shared.join('\n') };
  const [signs, meterSigns, agrees, meterAgrees] = [1, 2, 3, 4].map(() => freshPair(curve));
  const lines = (own = signs, peer = meterSigns, ownAgrees = agrees, peerAgrees = meterAgrees) =>
    own === undefined || peer === undefined || ownAgrees === undefined || peerAgrees === undefined
      ? []
      : [
          `signingKey: "${toHex(octetsOfKey(own.privateKey))}"`,
          `peerSigningKey: "${toHex(peer.publicKey)}"`,
          `agreementKey: "${toHex(octetsOfKey(ownAgrees.privateKey))}"`,
          `peerAgreementKey: "${toHex(peerAgrees.publicKey)}"`,
        ];
  return {
    client: [...shared, ...lines()].join('\n'),
    meter: [...shared, ...lines(meterSigns, signs, meterAgrees, agrees)].join('\n'),
  };
}

export function parsed(document: string): MeterSecurity {
  const read = parseMeterKeys(document);
  assert.ok(read.ok, read.ok ? '' : read.problem);
  return read.security;
}

/** A simulated meter with keys, and a desk with a disk from which it is read. */
export function keyedSite(files: { client: string; meter: string }) {
  const world = testWorld();
  const { env: bare } = world.program('desk');
  const lines = new MemoryLines({ timers: bare.timers, clock: bare.clock, random: bare.random });
  const line = lines.create('bus1', { framing: 'wrapper' });
  const env = { ...bare, lines } as Env;
  const meter = new SimMeter(
    {
      meterId: 'm1',
      serial: '10000001',
      profile: profileOf('generic/idis'),
      seed: 'secured',
      timeZone: 'Europe/Berlin',
      nowMs: () => env.clock.nowMs(),
      installedAtMs: env.clock.nowMs() - 86_400_000,
      password: new Uint8Array(0),
      security: parsed(files.meter),
    },
    null,
  );
  serveLine(line.attach(), [meter], 'wrapper', env, null);
  const keys = parsed(files.client);
  /** Does something in an association of its own. */
  const ask = <Result>(
    work: (session: MeterSession) => Promise<Result>,
    mechanism: HlsMechanism = 'hls-gmac',
    security = keys,
  ): Promise<Result> => {
    const target = {
      link: 'memory:bus1',
      client: 1,
      server: { logical: 1 },
      referencing: 'logical' as const,
      authentication: hlsSignOn(mechanism, security, randomOctets),
      requestTimeoutMs: 5_000,
      security: { keys: security, counterFile: 'm1.keys.counter' },
    };
    return during(world.clock, withMeter(env, target, work));
  };
  const read = async (mechanism: HlsMechanism, security = keys): Promise<string> => {
    const object = parseReadObject('1-0:32.7.0');
    assert.ok(object !== null);
    const [answer] = await ask((session) => readObjects(session, { objects: [object] }), mechanism, security);
    return answer?.answer.words ?? '';
  };
  return { env, meter, ask, read, keys };
}

/** A virtual world for tests of the edge's actors: one clock, one broker, primitives of node:crypto. */
import { createHash, createHmac, createPrivateKey, createPublicKey, sign, timingSafeEqual, verify } from 'node:crypto';
import type { Crypto, SigningKey } from '../../../src/base/env.ts';
import type { Health } from '../../../src/edge/ports.ts';
import { VirtualWorld, type WorldOptions } from '../../../src/lab/virtual-env.ts';

const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

function privateKey(seed: Uint8Array) {
  return createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
}

function signingKeyFrom(seed: Uint8Array): SigningKey {
  const spki = createPublicKey(privateKey(seed)).export({ format: 'der', type: 'spki' });
  return { publicKey: new Uint8Array(spki.subarray(SPKI.length)), privateKey: seed };
}

export const TEST_CRYPTO: Crypto & { signingKeyFrom(seed: Uint8Array): SigningKey } = {
  sha256: (octets) => new Uint8Array(createHash('sha256').update(octets).digest()),
  hmacSha256: (key, octets) => new Uint8Array(createHmac('sha256', key).update(octets).digest()),
  sameSecret: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  newSigningKey: () => signingKeyFrom(new Uint8Array(32).fill(7)),
  signingKeyFrom,
  sign: (key, octets) => new Uint8Array(sign(null, octets, privateKey(key))),
  verify: (key, octets, signature) =>
    verify(null, octets, createPublicKey({ key: Buffer.concat([SPKI, key]), format: 'der', type: 'spki' }), signature),
};

export function testWorld(seed = 1, showLog?: WorldOptions['showLog']): VirtualWorld {
  return new VirtualWorld({ seed, crypto: TEST_CRYPTO, ...(showLog === undefined ? {} : { showLog }) });
}

/** Health that a test can look at. */
export class FakeHealth implements Health {
  readonly counters = new Map<string, number>();
  readonly gauges = new Map<string, number>();
  readonly states = new Map<string, string>();
  count(name: string, by = 1): void {
    this.counters.set(name, (this.counters.get(name) ?? 0) + by);
  }
  gauge(name: string, value: number): void {
    this.gauges.set(name, value);
  }
  state(subject: string, state: string, sentence: string): void {
    this.states.set(subject, `${state}: ${sentence}`);
  }
}

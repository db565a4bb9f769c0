/** Key pairs for tests, from the randomness of the machine. */
import { randomBytes } from 'node:crypto';
import { type KeyPair, newKeyPair } from '../../src/dlms/security/elliptic.ts';
import type { CurveName } from '../../src/dlms/security/suite.ts';

export const randomOctets = (count: number): Uint8Array => Uint8Array.from(randomBytes(count));

export const freshPair = (curve: CurveName): KeyPair => newKeyPair(curve, randomOctets);

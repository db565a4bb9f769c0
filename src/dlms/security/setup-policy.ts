/**
 * The security policy of Security setup as numbers: an enumeration in version 0, a set of bits in version 1. In both the
 * bits of what is demanded only grow.
 */
import type { Protection } from './ciphering.ts';
import type { SecurityPolicy } from './secure-channel.ts';

/** Version of the class. */
export type SetupVersion = 0 | 1;

/** Bits of version 1. */
const BITS = {
  requests: { authenticated: 0x04, encrypted: 0x08, signed: 0x10 },
  responses: { authenticated: 0x20, encrypted: 0x40, signed: 0x80 },
} as const;
/** Bits of version 0, for both directions. */
const BOTH = { authenticated: 0x01, encrypted: 0x02 } as const;
const KNOWN: Readonly<Record<SetupVersion, number>> = { 0: 0x03, 1: 0xfc };

/** The policy of a number; null when it has bits that the version does not know. */
export function policyOfNumber(number: number, version: SetupVersion): SecurityPolicy | null {
  if ((number & ~KNOWN[version]) !== 0) return null;
  if (version === 1) return { requests: of(number, BITS.requests), responses: of(number, BITS.responses) };
  const both = { authenticated: (number & BOTH.authenticated) !== 0, encrypted: (number & BOTH.encrypted) !== 0 };
  return { requests: both, responses: both };
}

function of(number: number, bits: Readonly<Record<keyof Protection, number>>): Protection {
  return {
    authenticated: (number & bits.authenticated) !== 0,
    encrypted: (number & bits.encrypted) !== 0,
    signed: (number & bits.signed) !== 0,
  };
}

/** The number of a policy; version 0 has one for both directions, that of the requests, and no signatures. */
export function numberOfPolicy({ requests, responses }: SecurityPolicy, version: SetupVersion): number {
  const sum = (protection: Protection, bits: Readonly<Partial<Record<keyof Protection, number>>>): number =>
    (['authenticated', 'encrypted', 'signed'] as const).reduce(
      (number, name) => number | (protection[name] === true ? (bits[name] ?? 0) : 0),
      0,
    );
  return version === 0 ? sum(requests, BOTH) : sum(requests, BITS.requests) | sum(responses, BITS.responses);
}

/** Whether a policy may follow another: whatever was demanded stays so. */
export function isRaised(from: number, to: number): boolean {
  return (from & ~to) === 0;
}

/** One association for one job: opens a line, signs on, does the work, ends politely. Under `deltawatt read` and `scan`. */

import type { Env } from '../base/env.ts';
import { hasCode, reasonOf } from '../base/errors.ts';
import { clientTransport } from '../dlms/frame/client-transport.ts';
import type { GatewayAddress } from '../dlms/frame/gateway-address.ts';
import { GatewayClient } from '../dlms/frame/gateway-client.ts';
import { checkPeer } from '../dlms/security/certificate-trust.ts';
import { CounterReceiver } from '../dlms/security/counters.ts';
import { Dialect } from '../dlms/security/dialect.ts';
import type { MeterSecurity } from '../dlms/security/meter-security.ts';
import { type Association, type Authentication, OUR_CONFORMANCE } from '../dlms/session/association.ts';
import { counterIn, INVOCATION_COUNTER_ATTRIBUTE, PUBLIC_CLIENT_SAP } from '../dlms/session/counter-reading.ts';
import { type MeterSession, type MeterSessionOptions, openSession } from '../dlms/session/meter-session.ts';
import { ShortNames } from '../dlms/session/short-names.ts';
import { CONFORMANCE } from '../dlms/xdlms/initiate.ts';
import { LineDriver } from '../link/drive.ts';
import { openOnce } from '../link/link.ts';
import { linkOf } from '../link/registry.ts';
import { FileCounter } from './file-counter.ts';

/** A meter, and how this side signs on. */
export interface MeterTarget {
  /** Address of the link, as in the configuration. */
  readonly link: string;
  /** Client SAP, 1-127 over HDLC. */
  readonly client: number;
  /** Logical device; `physical` is the lower HDLC address, absent = one-octet address. */
  readonly server: { readonly logical: number; readonly physical?: number };
  readonly authentication: Authentication;
  /** How the meter's objects are called. */
  readonly referencing: Association['referencing'];
  readonly requestTimeoutMs: number;
  /** The meter lies behind a DLMS gateway, under this address; the link then leads to the gateway. */
  readonly gateway?: GatewayAddress;
  /** Propose the ACCESS service too. */
  readonly access?: boolean;
  /** Keys for the sign-on, and the file that keeps our counter under them. */
  readonly security?: { readonly keys: MeterSecurity; readonly counterFile: string };
}

const HDLC_WANTED = {
  informationTransmitBytes: 1024,
  informationReceiveBytes: 1024,
  windowTransmit: 1,
  windowReceive: 1,
};
const PDU_MAX_BYTES = 65_535;

/**
 * Does the work in one association. When the meter refuses our counter, the public client is asked for the meter's, once:
 * it raises ours within the limit, and the sign-on is tried a second and last time. Rejects with the codes of LINK_ERRORS,
 * FRAME_ERRORS, SESSION_ERRORS and SECURITY_ERRORS.
 */
export async function withMeter<Result>(
  env: Env,
  target: MeterTarget,
  work: (session: MeterSession, framing: 'hdlc' | 'wrapper') => Promise<Result>,
): Promise<Result> {
  const { security } = target;
  if (security === undefined) return oneAssociation(env, target, {}, work);
  const counter = await FileCounter.open(security.counterFile, security.keys, env);
  const options = secured(env, security.keys, counter);
  try {
    return await oneAssociation(env, target, options, work);
  } catch (error) {
    if (!hasCode(error, 'SESSION_COUNTER')) throw error;
    const expected = await shownCounter(env, target);
    if (expected === null || expected < counter.sender.next) throw error;
    counter.sender.raise(expected);
    await counter.reserve();
    return await oneAssociation(env, target, options, work);
  }
}

async function shownCounter(env: Env, target: MeterTarget): Promise<number | null> {
  const looking = { ...target, client: PUBLIC_CLIENT_SAP, authentication: { mechanism: 'none' } } as const;
  return oneAssociation(env, looking, {}, async (session) => {
    const [result] = await session.get([INVOCATION_COUNTER_ATTRIBUTE]);
    return counterIn(result);
  });
}

/** Options of a session with keys; blocks of the counter are reserved while it runs. */
function secured(env: Env, keys: MeterSecurity, counter: FileCounter): MeterSessionOptions {
  const { clientTitle, meterTitle, form = 'service', dialect, trust, ...shared } = keys;
  if (clientTitle === null) throw new Error('clientTitle is missing in the key file');
  if (trust !== undefined && meterTitle !== null) checkPeer(trust, meterTitle, env.clock.nowMs());
  return {
    security: {
      ...shared,
      clientTitle,
      serverTitle: meterTitle,
      form,
      dialect: new Dialect(dialect),
      counter: counter.sender,
      serverCounter: new CounterReceiver(),
      random: (count) => env.random.bytes(count),
    },
    onEvent: (event) => {
      if (event.kind === 'counter-low')
        counter.reserve().catch((error: unknown) => env.log.warn('counter.not-reserved', { reason: reasonOf(error) }));
    },
  };
}

async function oneAssociation<Result>(
  env: Env,
  target: MeterTarget,
  options: MeterSessionOptions,
  work: (session: MeterSession, framing: 'hdlc' | 'wrapper') => Promise<Result>,
): Promise<Result> {
  const link = linkOf(target.link, env);
  if (link.kind !== 'line' || link.purpose !== 'ask')
    throw new RangeError(`${target.link} cannot be asked, it listens`);
  const { client, server, authentication, referencing, requestTimeoutMs } = target;
  const framing = link.framing === 'wrapper' ? 'wrapper' : 'hdlc';
  const driver = new LineDriver(await openOnce(link), env);
  // An optical head knows its speed only now.
  const { gapMs, octetMs, capabilities } = link;
  try {
    const near = clientTransport(framing, { client, ...server }, { parameters: HDLC_WANTED, gapMs, octetMs });
    const transport = target.gateway === undefined ? near : new GatewayClient(near, target.gateway);
    const session = await openSession(driver, transport, {
      authentication,
      shortNames: referencing === 'short' ? new ShortNames() : null,
      requestTimeoutMs,
      ...(target.access === true ? { conformance: OUR_CONFORMANCE | CONFORMANCE.access } : {}),
      ...options,
      clientPduMaxBytes: Math.min(capabilities.maxPduBytes, PDU_MAX_BYTES),
    });
    try {
      return await work(session, framing);
    } finally {
      await session.release();
    }
  } finally {
    driver.close();
    link.close?.();
  }
}

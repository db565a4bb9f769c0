/** One association for one job: opens a line, signs on, does the work, ends politely. Under `deltawatt read` and `scan`. */

import type { Env } from '../base/env.ts';
import { clientTransport } from '../dlms/frame/client-transport.ts';
import type { GatewayAddress } from '../dlms/frame/gateway-address.ts';
import { GatewayClient } from '../dlms/frame/gateway-client.ts';
import { type Association, type Authentication, OUR_CONFORMANCE } from '../dlms/session/association.ts';
import { type MeterSession, openSession } from '../dlms/session/meter-session.ts';
import { ShortNames } from '../dlms/session/short-names.ts';
import { CONFORMANCE } from '../dlms/xdlms/initiate.ts';
import { LineDriver } from '../link/drive.ts';
import { linkOf } from '../link/registry.ts';

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
}

const HDLC_WANTED = {
  informationTransmitBytes: 1024,
  informationReceiveBytes: 1024,
  windowTransmit: 1,
  windowReceive: 1,
};
const PDU_MAX_BYTES = 65_535;

/** Does the work in one association. Rejects with the codes of LINK_ERRORS, FRAME_ERRORS, SESSION_ERRORS. */
export async function withMeter<Result>(
  env: Env,
  target: MeterTarget,
  work: (session: MeterSession, framing: 'hdlc' | 'wrapper') => Promise<Result>,
): Promise<Result> {
  const link = linkOf(target.link, env);
  if (link.kind !== 'line' || link.purpose !== 'ask')
    throw new RangeError(`${target.link} cannot be asked, it listens`);
  const { client, server, authentication, referencing, requestTimeoutMs } = target;
  const framing = link.framing === 'wrapper' ? 'wrapper' : 'hdlc';
  const driver = new LineDriver(await link.open(), env);
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
      clientPduMaxBytes: Math.min(capabilities.maxPduBytes, PDU_MAX_BYTES),
    });
    try {
      return await work(session, framing);
    } finally {
      await session.release();
    }
  } finally {
    driver.close();
  }
}

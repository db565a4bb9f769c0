/** The right framing for a link: one call from "how and whom" to a client transport. */
import { serverAddress } from './hdlc-address.ts';
import { HdlcClient, type HdlcClientOptions } from './hdlc-client.machine.ts';
import type { ClientTransport } from './transport.ts';
import { WrapperClient } from './wrapper.machine.ts';

/** Whom to talk to, as whom. */
export interface MeterAddress {
  /** Client SAP: 16 public, 1 management. */
  readonly client: number;
  /** Logical device: upper HDLC address or wPort. */
  readonly logical: number;
  /** Lower HDLC address; null or absent = none. Means nothing over the wrapper. */
  readonly physical?: number | null;
  /** Octets of the HDLC server address; absent = the shortest that fits. */
  readonly addressBytes?: 1 | 2 | 4;
}

/** Settings of the framing that a link and a profile know. */
export interface TransportOptions extends Omit<HdlcClientOptions, 'client' | 'server'> {
  /** Longest APDU that is taken over the wrapper, octets. */
  readonly apduMaxBytes?: number;
}

/** A client transport for a link of this framing. */
export function clientTransport(
  framing: 'hdlc' | 'wrapper',
  address: MeterAddress,
  options: TransportOptions = {},
): ClientTransport {
  const { apduMaxBytes, ...hdlc } = options;
  const { client, logical, physical = null, addressBytes } = address;
  if (framing === 'hdlc')
    return new HdlcClient({ ...hdlc, client, server: serverAddress(logical, physical, addressBytes) });
  const gap = hdlc.gapMs === undefined ? {} : { gapMs: hdlc.gapMs };
  const bound = apduMaxBytes === undefined ? {} : { apduMaxBytes };
  return new WrapperClient({ client, server: logical }, { ...gap, ...bound });
}

/** A meter with keys on a TCP port of loopback, as others would attack one: our server session behind our line driver. */
import { fromHex } from '../../src/base/bytes.ts';
import { serverAddress } from '../../src/dlms/frame/hdlc-address.ts';
import { HdlcServer } from '../../src/dlms/frame/hdlc-server.machine.ts';
import { WrapperServer } from '../../src/dlms/frame/wrapper.machine.ts';
import { CounterReceiver, CounterSender } from '../../src/dlms/security/counters.ts';
import type { HlsSecret } from '../../src/dlms/security/hls.ts';
import { SecretKey } from '../../src/dlms/security/secret-key.ts';
import { PROTECTED } from '../../src/dlms/security/secure-channel.ts';
import type { ServerClient } from '../../src/dlms/session/object-model.ts';
import { ServerSession } from '../../src/dlms/session/server.machine.ts';
import { createHostEnv } from '../../src/host/env.ts';
import type { SharedKeys, VictimOptions } from '../../src/lab/attack/victim.ts';
import { LineDriver } from '../../src/link/drive.ts';
import { BenchMeter } from '../unit/dlms/session/bench-meter.ts';

export const SAP = 32;
export const PASSWORD = fromHex('3132333435363738');
export const SERVER_TITLE = fromHex('4d4d4d0000bc614e');
export const KEYS: SharedKeys = {
  suite: 0,
  clientTitle: fromHex('4d4d4d0000000001'),
  serverTitle: SERVER_TITLE,
  keys: {
    encryption: new SecretKey(fromHex('000102030405060708090a0b0c0d0e0f')),
    authentication: new SecretKey(fromHex('d0d1d2d3d4d5d6d7d8d9dadbdcdddedf')),
  },
  policy: { requests: PROTECTED, responses: PROTECTED },
};

/** What the attacked server is told. */
export interface ServedOptions {
  readonly framing: 'wrapper' | 'hdlc';
  readonly authentication?: ServerClient['authentication'];
  readonly security?: Partial<NonNullable<ServerClient['security']>> | null;
  readonly random?: (count: number) => Uint8Array;
  /** Makes the server's octets worse, or its ears. */
  readonly tamper?: (session: ServerSession) => ServerSession;
}

/** A running meter. */
export interface ServedMeter {
  readonly model: BenchMeter;
  readonly link: string;
  readonly hls: HlsSecret;
  victim(changes?: Partial<VictimOptions>): VictimOptions;
  stop(): Promise<void>;
}

/** Starts it. Clients' counters are remembered from one connection to the next, as a meter does. */
export async function serveMeter(options: ServedOptions): Promise<ServedMeter> {
  const env = createHostEnv({ logLevel: 'silent' });
  const model = new BenchMeter();
  const authentication = options.authentication ?? { mechanism: 'hls-gmac' };
  const security =
    options.security === null
      ? undefined
      : {
          suite: KEYS.suite,
          clientTitle: null,
          keys: KEYS.keys,
          counter: CounterSender.unreserved(1),
          clientCounter: new CounterReceiver(),
          policy: KEYS.policy,
          ...options.security,
        };
  const listener = await env.net.listenTcp('127.0.0.1', 0, (duplex) => {
    const transport = options.framing === 'hdlc' ? new HdlcServer({ physicalDevice: 17 }) : new WrapperServer();
    const session = new ServerSession(transport, {
      model,
      clients: [{ sap: SAP, authentication, ...(security === undefined ? {} : { security }) }],
      systemTitle: SERVER_TITLE,
      random: options.random ?? ((count) => env.random.bytes(count)),
    });
    const machine = options.tamper?.(session) ?? session;
    new LineDriver(duplex, env)
      .run(
        machine,
        () => {},
        () => {},
      )
      .kick();
  });
  const link = `${options.framing === 'hdlc' ? 'tcp+hdlc' : 'tcp'}://127.0.0.1:${listener.port}`;
  return {
    model,
    link,
    hls: authentication as HlsSecret,
    victim: (changes = {}) => ({
      link,
      client: SAP,
      server: options.framing === 'hdlc' ? { logical: 1, physical: serverAddress(1, 17).lower ?? 0 } : { logical: 1 },
      authentication: { mechanism: 'hls-gmac', challenge: new Uint8Array(0) },
      security: KEYS,
      counter: CounterSender.unreserved(1),
      reserve: () => Promise.resolve(),
      timeoutMs: 3_000,
      seed: 1,
      ...changes,
    }),
    stop: () => listener.close(),
  };
}

/** Asks a meter of a network who it is: one association of the public client, one request, and goodbye. */
import type { Env } from '../../base/env.ts';
import { clientTransport } from '../../dlms/frame/client-transport.ts';
import { openSession } from '../../dlms/session/meter-session.ts';
import { identityIn, PUBLIC_CLIENT, type ToldIdentity, WHO } from '../../dlms/session/who.ts';
import { LineDriver } from '../../link/drive.ts';
import type { LineLink } from '../../link/link.ts';
import type { NetworkNode } from '../../model/found.ts';

/** The management logical device, which every meter has (Blue Book, clause 4.1). */
const MANAGEMENT_DEVICE = 1;

/**
 * What the meter tells of itself. Rejects with LINK_OPEN, LINK_NO_NODE when it has left, the codes of a session, and with
 * SESSION_CLOSED when the signal ends it.
 */
export async function identifyNode(
  link: LineLink,
  env: Pick<Env, 'clock' | 'timers'>,
  { eui48 }: NetworkNode,
  signal: AbortSignal,
): Promise<ToldIdentity> {
  const { octetMs, gapMs, answerTimeoutMs, answerWindowMs, capabilities } = link;
  const driver = new LineDriver(await link.open({ name: eui48, station: MANAGEMENT_DEVICE }), env);
  const end = () => driver.close();
  signal.addEventListener('abort', end);
  try {
    signal.throwIfAborted();
    const place = { client: PUBLIC_CLIENT, logical: MANAGEMENT_DEVICE, physical: null };
    const session = await openSession(driver, clientTransport('wrapper', place, { octetMs, gapMs }), {
      authentication: { mechanism: 'none' },
      clientPduMaxBytes: capabilities.maxPduBytes,
      ...(answerTimeoutMs === undefined ? {} : { requestTimeoutMs: answerTimeoutMs }),
      ...(answerWindowMs === undefined ? {} : { answerWindowMs }),
    });
    const answers = await session.get(WHO);
    await session.release();
    return identityIn(answers);
  } finally {
    signal.removeEventListener('abort', end);
    driver.close();
  }
}

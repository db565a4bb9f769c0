/** HE-7: meters that attack their reader, each against our client over the wrapper and HDLC: nothing false is believed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serverAddress } from '../../src/dlms/frame/hdlc-address.ts';
import { HdlcClient } from '../../src/dlms/frame/hdlc-client.machine.ts';
import { HdlcServer } from '../../src/dlms/frame/hdlc-server.machine.ts';
import { WrapperClient, WrapperServer } from '../../src/dlms/frame/wrapper.machine.ts';
import { CounterReceiver, CounterSender } from '../../src/dlms/security/counters.ts';
import { ClientSession, type ClientSessionEvent } from '../../src/dlms/session/client.machine.ts';
import { BLOCKS_MAX, REQUEST_MAX_MS } from '../../src/dlms/session/limits.ts';
import { ServerSession } from '../../src/dlms/session/server.machine.ts';
import { HOSTILITIES, HostileTransport, type Hostility } from '../../src/sim/serve/hostile-transport.ts';
import { VirtualLine } from '../unit/dlms/frame/line.ts';
import { BenchMeter, register } from '../unit/dlms/session/bench-meter.ts';
import { KEYS, PASSWORD, SAP, SERVER_TITLE } from './served-meter.ts';

const READS = [7, 8, 9];
const LLS = { mechanism: 'lls', password: PASSWORD } as const;
const octets = (count: number, first: number) => Uint8Array.from({ length: count }, (_, at) => (first + 7 * at) & 0xff);

/** Attacks on what a value says come in clear: with keys nobody but the meter could make them. */
const PLAIN: ReadonlySet<Hostility> = new Set(
  HOSTILITIES.filter((how) => how.startsWith('blocks') || how.startsWith('bomb')),
);

interface Attacked {
  readonly code: string;
  readonly believed: readonly unknown[];
  readonly attacks: number;
  readonly octets: number;
  readonly tookMs: number;
}

/** Signs on to a hostile meter and reads three times; gives what was believed, and why it ended. */
function attacked(how: Hostility, framing: 'wrapper' | 'hdlc', latencyMs = 1): Attacked {
  const secure = !PLAIN.has(how);
  const hdlc = framing === 'hdlc';
  const client = new ClientSession(
    hdlc
      ? new HdlcClient({ client: SAP, server: serverAddress(1, 17), responseTimeoutMs: 500, retries: 1 })
      : new WrapperClient({ client: SAP, server: 1 }),
    {
      authentication: secure ? { mechanism: 'hls-md5', secret: KEYS.keys.encryption, challenge: octets(16, 1) } : LLS,
      security: secure ? { ...KEYS, counter: CounterSender.unreserved(1), serverCounter: new CounterReceiver() } : null,
      requestTimeoutMs: 5_000,
    },
  );
  const transport = new HostileTransport(hdlc ? new HdlcServer({ physicalDevice: 17 }) : new WrapperServer(), how);
  const security = {
    suite: 0,
    clientTitle: null,
    keys: KEYS.keys,
    counter: CounterSender.unreserved(1),
    clientCounter: new CounterReceiver(),
    policy: KEYS.policy,
  } as const;
  const server = new ServerSession(transport, {
    model: new BenchMeter(),
    clients: [
      secure
        ? { sap: SAP, authentication: { mechanism: 'hls-md5', secret: KEYS.keys.encryption }, security }
        : { sap: SAP, authentication: LLS },
    ],
    systemTitle: SERVER_TITLE,
    random: (count) => octets(count, 99),
  });
  const events: ClientSessionEvent[] = [];
  const line = new VirtualLine([client, server], { latencyMs }, 1, (end, told) => {
    if (end !== 0) return;
    events.push(...(told as ClientSessionEvent[]));
    if (events.filter(({ kind }) => kind === 'done').length === READS.length) client.release(line.nowMs);
  });
  client.connect(0);
  for (const number of READS) client.request({ service: 'get', items: [register(number)] }, 0);
  line.run(() => events.some(({ kind }) => kind === 'closed'), 100 * REQUEST_MAX_MS);
  const outcomes = events.flatMap((event) => (event.kind === 'done' ? [event.outcome] : []));
  const closed = events.find((event) => event.kind === 'closed');
  const failed = outcomes.find((outcome) => outcome.kind === 'failed');
  const error = (failed?.kind === 'failed' ? failed.error : null) ?? (closed?.kind === 'closed' ? closed.error : null);
  return {
    code: error?.code ?? '',
    believed: outcomes.flatMap((outcome) =>
      outcome.kind === 'answered' ? [...outcome.answer.results] : ([] as unknown[]),
    ),
    attacks: transport.attacks,
    octets: line.octets,
    tookMs: line.nowMs,
  };
}

/** Why each attack ends, over the wrapper. */
const REASONS: Readonly<Record<Hostility, RegExp>> = {
  replay: /SECURITY_REPLAY|SESSION_TIMEOUT/,
  'wrong-title': /SECURITY_TITLE/,
  'reflect-challenge': /SECURITY_CHALLENGE/,
  'short-challenge': /SECURITY_CHALLENGE/,
  'downgrade-mechanism': /SESSION_MECHANISM/,
  'downgrade-context': /SECURITY_POLICY/,
  'downgrade-initiate': /SECURITY_POLICY/,
  'plain-answer': /SECURITY_POLICY/,
  'truncated-tag': /SECURITY_TAG|DLMS_TRUNCATED/,
  'broadcast-key': /SECURITY_POLICY/,
  'blocks-endless': /SESSION_BLOCKS/,
  'blocks-reordered': /SESSION_BLOCKS/,
  'blocks-empty': /SESSION_BLOCKS/,
  'bomb-depth': /DLMS_DEPTH/,
  'bomb-count': /DLMS_ELEMENTS|DLMS_TRUNCATED/,
  'bomb-nothing': /DLMS_LENGTH/,
  neighbour: /SESSION_TIMEOUT|HDLC_NO_ANSWER|HDLC/,
};

for (const how of HOSTILITIES) {
  for (const framing of ['wrapper', 'hdlc'] as const) {
    test(`HE-7 a meter that attacks by ${how} over ${framing} is not believed`, () => {
      const { code, believed, attacks } = attacked(how, framing);
      assert.ok(attacks > 0 || (framing === 'hdlc' && how === 'neighbour'), 'the attack took place');
      assert.match(code, REASONS[how]);
      const measured = READS.map((number) => ({ data: { type: 'double-long-unsigned', value: number * 100 } }));
      assert.deepEqual(
        believed,
        measured.slice(0, believed.length),
        'only what the meter measured is believed, in order',
      );
    });
  }
}

test(`HE-7 endless blocks end at ${BLOCKS_MAX}, and slow ones when the request's time is over`, () => {
  const fast = attacked('blocks-endless', 'wrapper');
  assert.ok(fast.octets < 3 * (BLOCKS_MAX + 10) * 100, `${fast.octets} octets were said`);
  const slow = attacked('blocks-endless', 'wrapper', 10_000 / 4);
  assert.ok(slow.tookMs < 4 * (REQUEST_MAX_MS + 60_000), `${slow.tookMs} ms`);
});

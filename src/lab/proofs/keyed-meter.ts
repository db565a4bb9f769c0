/**
 * A simulated meter with keys as a process: `keyed-meter '{"port":..}'`. It answers only who signs on by GMAC under its
 * keys, and every invocation counter that comes in is on disk before anything is answered: a number that stands twice in
 * that file was sent twice under one key, which gives the key away.
 */

import { fromHex } from '../../base/bytes.ts';
import type { AppendFile, Env } from '../../base/env.ts';
import { assert } from '../../base/errors.ts';
import { CounterReceiver, CounterSender, HdlcServer, SecretKey, ServerSession } from '../../dlms/index.ts';
import { createHostEnv } from '../../host/env.ts';
import { onStopSignal } from '../../host/signals.ts';
import { SimMeter, type SimMeterOptions, serveLine } from '../../sim/fleet.ts';
import { Ledger } from '../../sim/ledger.ts';
import { PacedDuplex } from '../../sim/serve/paced-duplex.ts';
import { loadHouseholds, loadProfile } from '../../sim/simulator.ts';
import { KEYED_SECRETS } from './keyed-files.ts';

interface Order {
  readonly configFolder: string;
  readonly port: number;
  readonly meterId: string;
  readonly days: number;
  readonly ledger: string;
  readonly counters: string;
}

const DAY_MS = 86_400_000;
/** Pace of its line, 38,400 Bd: requests, and so counters, go on for the whole run. */
const OCTET_MS = 10_000 / 38_400;

/** Believes what a receiver believes, and notes each number that it is asked about once. */
class NotingReceiver extends CounterReceiver {
  #noted: number | null = null;

  constructor(private readonly note: (counter: number) => void) {
    super();
  }

  override check(counter: number): void {
    // Checked before opening and again when it is believed: one message, one line.
    if (this.#noted !== counter) this.note(counter);
    this.#noted = counter;
    super.check(counter);
    if (this.last === counter) this.#noted = null;
  }

  override accept(counter: number): void {
    super.accept(counter);
    this.#noted = null;
  }
}

class KeyedMeter extends SimMeter {
  constructor(
    options: SimMeterOptions,
    ledger: Ledger,
    private readonly env: Env,
    private readonly note: (counter: number) => void,
  ) {
    super(options, ledger);
  }

  override session() {
    const keys = {
      encryption: SecretKey.fromHex(KEYED_SECRETS.encryptionKey),
      authentication: SecretKey.fromHex(KEYED_SECRETS.authenticationKey),
    };
    const protection = { authenticated: true, encrypted: true };
    return new ServerSession(new HdlcServer({ physicalDevice: this.hdlcAddress }), {
      model: this.model,
      clients: [
        {
          sap: 1,
          authentication: { mechanism: 'hls-gmac' },
          security: {
            suite: 0,
            keys,
            policy: { requests: protection, responses: protection },
            clientTitle: null,
            counter: CounterSender.unreserved(1),
            clientCounter: new NotingReceiver(this.note),
          },
        },
      ],
      systemTitle: fromHex(KEYED_SECRETS.meterTitle),
      random: (count) => this.env.random.bytes(count),
    });
  }
}

/** The ledger that also holds the counters: both are on the medium before an answer leaves. */
class CountingFile implements AppendFile {
  #lines = '';

  constructor(
    private readonly rows: AppendFile,
    private readonly counters: AppendFile,
  ) {}

  note(counter: number): void {
    this.#lines += `${counter}\n`;
  }

  async flush(): Promise<void> {
    const lines = this.#lines;
    this.#lines = '';
    if (lines !== '') await this.counters.append(new TextEncoder().encode(lines), { sync: true });
  }

  append(octets: Uint8Array, options: { readonly sync: boolean }): Promise<void> {
    return this.rows.append(octets, options);
  }

  async close(): Promise<void> {
    await this.rows.close();
    await this.counters.close();
  }
}

/** A ledger whose flush, which every answer waits for, stores the counters first. */
class CountingLedger extends Ledger {
  constructor(private readonly both: CountingFile) {
    super(both);
  }

  override async flush(): Promise<void> {
    await this.both.flush();
    await super.flush();
  }
}

async function main(env: Env, order: Order): Promise<void> {
  const files = new CountingFile(await env.disk.openAppend(order.ledger), await env.disk.openAppend(order.counters));
  const ledger = new CountingLedger(files);
  const options = {
    meterId: order.meterId,
    serial: '10000001',
    // What the meter holds does not depend on how one signs on.
    profile: await loadProfile(env, order.configFolder, 'generic/idis'),
    seed: order.meterId,
    timeZone: 'Europe/Berlin',
    nowMs: () => env.clock.nowMs(),
    installedAtMs: env.clock.nowMs() - order.days * DAY_MS,
    password: new Uint8Array(0),
    households: await loadHouseholds(env, order.configFolder),
  };
  await env.net.listenTcp('127.0.0.1', order.port, (duplex) => {
    // It believes anew on each connection, so that a number that comes again is answered, and the file tells of it.
    const meter = new KeyedMeter(options, ledger, env, (counter) => files.note(counter));
    serveLine(new PacedDuplex(duplex, OCTET_MS, env), [meter], 'hdlc', env, ledger);
  });
  env.log.info('keyed-meter.answers', { meterId: order.meterId });
  onStopSignal(env.log, () => ledger.close());
}

const [, , text] = process.argv;
assert(text !== undefined, 'the order is given as JSON');
await main(createHostEnv({ logLevel: 'info' }), JSON.parse(text) as Order);

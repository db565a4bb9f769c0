/** What every line must do, whatever it is made of: each test opens the link anew against a fresh far end. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { concat, toHex } from '../../src/base/bytes.ts';
import type { ByteDuplex, Env } from '../../src/base/env.ts';
import { clientTransport } from '../../src/dlms/frame/client-transport.ts';
import { openSession } from '../../src/dlms/session/meter-session.ts';
import { LineDriver } from '../../src/link/drive.ts';
import type { LineLink } from '../../src/link/link.ts';
import { attributeOf, PROFILE, PROFILE_ROWS, register, SCRIPT, TEXT } from '../unit/dlms/session/bench-meter.ts';
import { PASSWORD } from '../unit/dlms/session/pair.ts';
import { serveMeter } from '../unit/link/virtual.ts';

/** An open line with somebody at its other end. */
export interface OpenLine {
  readonly link: LineLink;
  readonly near: ByteDuplex;
  readonly far: ByteDuplex;
  readonly env: Pick<Env, 'clock' | 'timers'>;
  /** Makes a message of octets, where the line carries messages and nothing else; absent = it carries any octets. */
  readonly message?: (octets: Uint8Array) => Uint8Array;
  /** Makes of noise what can come over such a line; absent = the noise as it is. */
  readonly stray?: (octets: Uint8Array) => Uint8Array;
  /** Lets time pass until the promise is settled. */
  settle<Value>(promise: Promise<Value>): Promise<Value>;
  close(): Promise<void>;
}

/** Collects what a duplex says; `until` resolves when so many octets have come. */
class Ear {
  readonly #chunks: Uint8Array[] = [];
  #waiting: { readonly count: number; resolve(octets: Uint8Array): void } | null = null;
  closed = 0;

  constructor(duplex: ByteDuplex) {
    duplex.listen({
      data: (chunk) => {
        this.#chunks.push(chunk.slice());
        this.#look();
      },
      closed: () => this.closed++,
    });
  }

  until(count: number): Promise<Uint8Array> {
    return new Promise((resolve) => {
      this.#waiting = { count, resolve };
      this.#look();
    });
  }

  #look(): void {
    const octets = concat(this.#chunks);
    if (this.#waiting !== null && octets.length >= this.#waiting.count) this.#waiting.resolve(octets);
  }
}

const same = (octets: Uint8Array) => octets;

/** Registers the contract for one kind of line. */
export function linkContract(name: string, open: () => Promise<OpenLine>): void {
  const framingOf = ({ framing }: LineLink) => (framing === 'wrapper' ? 'wrapper' : 'hdlc');

  /** Runs a test on an open line and closes it whatever happens. */
  const onLine = (what: string, run: (line: OpenLine) => Promise<void>) =>
    test(what, async () => {
      const line = await open();
      try {
        await run(line);
      } finally {
        await line.close();
      }
    });

  // Side by side, for each has a line of its own: ends of pseudo-terminals take two seconds each.
  describe(`link ${name}`, { concurrency: 4 }, () => {
    onLine('carries every octet in order, both ways', async ({ near, far, settle, message = same }) => {
      const octets = Uint8Array.from({ length: 256 * 3 }, (_, at) => at & 0xff);
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < octets.length; at += 100) pieces.push(message(octets.subarray(at, at + 100)));
      const all = concat(pieces);
      const [nearEar, farEar] = [new Ear(near), new Ear(far)];
      const sendInPieces = async (duplex: ByteDuplex) => {
        for (const piece of pieces) await duplex.write(piece);
      };
      await settle(Promise.all([sendInPieces(near), farEar.until(all.length)]));
      await settle(Promise.all([sendInPieces(far), nearEar.until(all.length)]));
      assert.equal(toHex(await farEar.until(all.length)), toHex(all));
      assert.equal(toHex(await nearEar.until(all.length)), toHex(all));
    });

    onLine('tells its end once and refuses to write after it', async ({ near, settle }) => {
      let told = 0;
      const closed = new Promise<void>((resolve) => {
        near.listen({
          data() {},
          closed: () => {
            told++;
            resolve();
          },
        });
      });
      near.close();
      near.close();
      await settle(closed);
      await assert.rejects(near.write(Uint8Array.of(1)));
      assert.equal(told, 1);
    });

    onLine(
      'carries a session: read, range in blocks, write, method, release',
      async ({ link, near, far, env, settle }) => {
        const meter = serveMeter(far, env, framingOf(link));
        const driver = new LineDriver(near, env);
        const { octetMs, gapMs } = link;
        const transport = clientTransport(framingOf(link), { client: 1, logical: 1, physical: 17 }, { octetMs, gapMs });
        const options = { authentication: { mechanism: 'lls', password: PASSWORD }, clientPduMaxBytes: 400 } as const;
        const session = await settle(openSession(driver, transport, options));
        const [value, profile] = await settle(session.get([register(9), attributeOf(7, PROFILE)]));
        assert.deepEqual(value, { data: { type: 'double-long-unsigned', value: 900 } });
        assert.deepEqual(profile, { data: PROFILE_ROWS });
        const text = { type: 'octet-string', value: Uint8Array.of(1, 2, 3) } as const;
        assert.deepEqual(await settle(session.set([{ attribute: attributeOf(1, TEXT), value: text }])), [0]);
        const call = { method: { classId: 9, instanceId: SCRIPT, methodId: 2 }, parameters: text };
        const [result] = await settle(session.action([call]));
        assert.equal(result?.actionResult, 0);
        await settle(session.release());
        assert.deepEqual([meter.written.length, meter.invoked.length], [1, 1]);
      },
    );

    onLine('goes on after noise, and counts it', async ({ link, near, far, env, settle, stray = same }) => {
      const noise = Uint8Array.of(0xff, 0x7e, 0x80, 0x55, 0x7e, 0xa0, 0xff);
      const driver = new LineDriver(near, env);
      await settle(far.write(stray(noise)));
      serveMeter(far, env, framingOf(link));
      let discarded = 0;
      const transport = clientTransport(
        framingOf(link),
        { client: 1, logical: 1, physical: 17 },
        { responseTimeoutMs: 400, gapMs: 50 },
      );
      const session = await settle(
        openSession(driver, transport, {
          authentication: { mechanism: 'lls', password: PASSWORD },
          onEvent: (event) => {
            if (event.kind === 'discarded') discarded += event.octets.length;
          },
        }),
      );
      assert.equal((await settle(session.get([register(1)]))).length, 1);
      await settle(session.release());
      assert.ok(
        discarded + driver.unheardOctets >= noise.length - 1,
        `${discarded} and ${driver.unheardOctets} octets accounted for`,
      );
    });
  });
}

/**
 * A simulated meter that calls: it connects to where its Push setup says, pushes its list there under the wrapper, ciphered
 * when it has keys, or as a telegram, and hangs up; when it is to be confirmed it waits for that first. What did not get through is tried again
 * as often as the setup says, with the values of its time. Nothing is sent outside the windows of the setup: it waits for the
 * next one and for its share of the randomisation, and what is to be repeated then goes on there. A call that has begun is ended.
 */
import type { Env, Timer } from '../../base/env.ts';
import { reasonOf } from '../../base/errors.ts';
import type { TransportEvent } from '../../dlms/frame/transport.ts';
import { WrapperServer } from '../../dlms/frame/wrapper.machine.ts';
import { decodeApdu, encodeApdu } from '../../dlms/xdlms/codec.ts';
import { LineDriver } from '../../link/drive.ts';
import { meterTimeOf } from '../../profile/time.ts';
import type { SimMeter } from '../fleet.ts';
import { PUSH_CONFIRM_MS, PUSH_CONNECT_MS } from '../limits.ts';
import { PUSH_CLIENT } from '../meter/push-protection.ts';
import type { PushDestination, PushSetup } from '../meter/push-setup.ts';
import { notificationOf } from './pushing.machine.ts';

/** What it reaches the outside with. */
export type PushCallerEnv = Pick<Env, 'net' | 'clock' | 'timers' | 'random' | 'log'>;

const PERIOD_DEFAULT_S = 10;
const INVOKE_IDS = 0x100_0000;

/** Pushes of one list of one meter. */
export class PushCaller {
  /** Pushes that got through: confirmed, or on their way when nobody confirms. */
  pushed = 0;
  /** Pushes that were given up. */
  failed = 0;
  #timer: Timer | null = null;
  #driver: LineDriver | null = null;
  #invokeId = 0;
  /** A push is being tried: the meter has one modem. */
  #busy = false;
  #stopped = false;
  /** Ends the waits of the push that is being tried. */
  #giveUp = new AbortController();

  constructor(
    private readonly env: PushCallerEnv,
    private readonly meter: SimMeter,
    private readonly setup: PushSetup,
  ) {}

  /** Begins with a push at once, or when the setup lets it. */
  start(): void {
    this.setup.onPush = () => this.#after(this.#startDelayMs());
    this.setup.onReset = () => this.#giveUp.abort();
    this.#after(this.#startDelayMs());
  }

  /** Hangs up and pushes no more. */
  stop(): void {
    this.#stopped = true;
    this.setup.onPush = null;
    this.setup.onReset = null;
    this.#giveUp.abort();
    this.#timer?.cancel();
    this.#driver?.close();
  }

  #startDelayMs(): number {
    const [octet = 0] = this.env.random.bytes(1);
    return this.setup.drawnMs(octet / 256);
  }

  #after(delayMs: number): void {
    this.#timer?.cancel();
    if (this.#stopped) return;
    this.#timer = this.env.timers.after(delayMs, () => {
      // The next one is due a period after this one was, whatever becomes of it.
      this.#after((this.setup.rule.periodS ?? PERIOD_DEFAULT_S) * 1000 + this.#startDelayMs());
      const { destination } = this.setup;
      if (destination === null || this.#busy) return;
      this.#busy = true;
      void this.#push(destination).finally(() => {
        this.#busy = false;
      });
    });
  }

  async #push(destination: PushDestination): Promise<void> {
    this.#giveUp = new AbortController();
    let plain: Uint8Array | null = null;
    try {
      for (let attempt = 0; attempt <= this.setup.retries; attempt++) {
        if (attempt > 0) await this.#wait(this.setup.repetitionMs(attempt));
        await this.#windowOpens();
        if (this.#stopped) return;
        plain ??= this.#notification();
        if (await this.#tried(destination, plain)) return;
      }
    } catch (error) {
      this.env.log.debug('sim.push-given-up', { meterId: this.meter.device.meterId, reason: reasonOf(error) });
    }
    if (!this.#stopped) this.failed++;
  }

  /** What is pushed, with the values of now. */
  #notification(): Uint8Array {
    this.#invokeId = (this.#invokeId + 1) % INVOKE_IDS;
    const notification = notificationOf(this.meter, this.setup, this.#invokeId);
    return encodeApdu({ ...notification, confirmed: this.setup.isConfirmed });
  }

  /** Rejects when what is being tried is given up. */
  async #wait(forMs: number): Promise<void> {
    await this.env.timers.sleep(forMs, this.#giveUp.signal);
  }

  /** Resolves when the meter may push; rejects when no window opens any more. A clock that was set meanwhile is asked again. */
  async #windowOpens(): Promise<void> {
    for (let waitMs = this.#windowMs(); waitMs !== 0; waitMs = this.#windowMs())
      await this.#wait(waitMs + this.#startDelayMs());
  }

  #windowMs(): number {
    const { device } = this.meter;
    const waitMs = this.setup.waitMs(meterTimeOf(device.nowMs, device.profile.clock, device.timeZone));
    if (waitMs === null) throw new Error('no communication window opens any more');
    return waitMs;
  }

  async #tried(destination: PushDestination, plain: Uint8Array): Promise<boolean> {
    const { device, security } = this.meter;
    try {
      if (this.setup.rule.encoding !== 'notification') await this.#send(destination);
      else await this.#call(destination, security?.sealPush(plain, PUSH_CLIENT, this.setup.protection) ?? plain);
      this.pushed++;
      if (this.setup.isConfirmed)
        this.setup.confirmedAt = meterTimeOf(device.nowMs, device.profile.clock, device.timeZone);
      return true;
    } catch (error) {
      this.env.log.debug('sim.push-failed', { meterId: device.meterId, reason: reasonOf(error) });
      return false;
    }
  }

  /** One telegram, which nobody answers; the ledger has it before. */
  async #send({ host, port }: PushDestination): Promise<void> {
    const duplex = await this.env.net.connectTcp(host, port, { timeoutMs: PUSH_CONNECT_MS });
    try {
      const telegram = this.meter.telegram(this.setup.rule);
      await this.meter.noted();
      await duplex.write(telegram);
    } finally {
      duplex.close();
    }
  }

  /** One call; rejects when nobody answers, and when what is to be confirmed is not. */
  async #call({ host, port }: PushDestination, apdu: Uint8Array): Promise<void> {
    const duplex = await this.env.net.connectTcp(host, port, { timeoutMs: PUSH_CONNECT_MS });
    const driver = new LineDriver(duplex, this.env);
    this.#driver = driver;
    const machine = new WrapperServer();
    const isConfirmed = new Promise<void>((resolve, reject) => {
      const late = this.env.timers.after(PUSH_CONFIRM_MS, () => reject(new Error('no confirmation came')));
      const heard = (events: readonly TransportEvent[]) => {
        if (!events.some((event) => event.kind === 'apdu' && this.#confirms(event.apdu))) return;
        late.cancel();
        resolve();
      };
      const running = driver.run(machine, heard, (reason) => {
        late.cancel();
        reject(reason ?? new Error('the receiver hung up'));
      });
      machine.push(apdu, { client: PUSH_CLIENT, server: this.meter.wrapperPort }, running.nowMs());
      running.kick();
      if (this.setup.isConfirmed) return;
      late.cancel();
      resolve();
    });
    try {
      await isConfirmed;
    } finally {
      this.#driver = null;
      driver.close();
    }
  }

  #confirms(octets: Uint8Array): boolean {
    try {
      const apdu = this.meter.security?.openAnswer(octets, PUSH_CLIENT) ?? decodeApdu(octets);
      return apdu.apdu === 'data-notification-confirm' && apdu.longInvokeId === this.#invokeId;
    } catch {
      return false;
    }
  }
}

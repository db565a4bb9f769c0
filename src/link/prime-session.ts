/**
 * The concentrator's side of one connection to a PRIME base node (DLMSoTCP): who has joined, and a line to each of them.
 *
 * What is written to a node goes to its device id, what comes from it is shown under the wPort that the meter has. Octets that are no
 * message end the connection: behind them nothing is certain. Everything else is in `plc-session.ts`.
 */
import type { ByteDuplex, Env } from '../base/env.ts';
import { reasonOf } from '../base/errors.ts';
import { decodePrime, encodePrime, type PrimeMessage } from '../dlms/frame/prime-message.ts';
import { FrameScanner } from '../dlms/frame/scanner.ts';
import { type WrapperMessage, wrapperRule } from '../dlms/frame/wrapper-frame.ts';
import { PLC_NODES_MAX } from './limits.ts';
import { type PlcNode, type PlcRequest, PlcSession, type PlcWatcher } from './plc-session.ts';
import { PlcTraffic, type TrafficRules } from './plc-traffic.ts';

/** What a session is made of. */
export interface PrimeSessionOptions {
  readonly duplex: ByteDuplex;
  readonly env: Pick<Env, 'clock' | 'timers'>;
  /** Silence inside a message after which it is given up, ms. */
  readonly gapMs: number;
  readonly rules: TrafficRules;
  readonly watcher: PlcWatcher;
}

/** See the head of the file. */
export class PrimeSession extends PlcSession {
  readonly #scanner: FrameScanner<WrapperMessage>;
  readonly #duplex: ByteDuplex;

  constructor({ duplex, env, gapMs, rules, watcher }: PrimeSessionOptions) {
    super({ peer: duplex.peer, env, traffic: new PlcTraffic(rules), watcher });
    this.#duplex = duplex;
    this.#scanner = new FrameScanner([wrapperRule()], gapMs);
    duplex.listen({
      data: (chunk) => this.#receive(chunk),
      closed: () => this.ended('the base node ended the connection'),
    });
    // A failure is told as the end of the connection.
    this.#send({ kind: 'start-reporting' }).catch(() => undefined);
  }

  protected override say({ address: deviceId }: PlcNode, { client, apdu }: PlcRequest): Promise<void> {
    return this.#send({ kind: 'data', deviceId, client, apdu });
  }

  protected override hangUp(): void {
    this.#duplex.close();
  }

  #send(message: PrimeMessage): Promise<void> {
    return this.#duplex.write(encodePrime(message, 'concentrator')).catch((error: unknown) => {
      this.ended(reasonOf(error));
      throw error;
    });
  }

  #receive(chunk: Uint8Array): void {
    // TCP brings octets in order and whole: pauses mean nothing, so every one is as if it came at once.
    for (const event of this.#scanner.receive(chunk, 0)) {
      if (!this.isOpen) return;
      if (event.kind === 'discarded') this.#noMessage(event.code);
      else this.#message(event.frame);
    }
  }

  #message(frame: WrapperMessage): void {
    let message: PrimeMessage;
    try {
      message = decodePrime(frame, 'base-node');
    } catch (error) {
      this.#noMessage(reasonOf(error));
      return;
    }
    if (message.kind === 'data') this.heard(message.deviceId, message.client, message.apdu);
    else if (message.kind === 'device-removed') this.left(message.deviceId);
    else if (message.kind === 'new-device') {
      const { deviceId: address, serial: name, eui48: eui } = message;
      if (!this.joined({ address, name, eui })) this.#noMessage(`more than ${PLC_NODES_MAX} nodes`);
    }
  }

  #noMessage(reason: string): void {
    this.refuse(`what came is no message of a base node (${reason})`);
  }
}

/** The bench of the conformance exam without sockets: a device's MQTT connector on one side, the exam on the other. */
import type { MqttConnector, MqttListener, Timers } from '../../src/base/env.ts';
import type { DeviceEvent, Stand } from '../../src/lab/conform/stand.ts';

const LATENCY_MS = 5;

export class MemoryStand implements Stand {
  #hear: (event: DeviceEvent) => void = () => undefined;
  #listener: MqttListener | null = null;
  /** What a device that is not ours may do differently: changes an event before it is heard. */
  twist: (event: DeviceEvent) => DeviceEvent = (event) => event;

  constructor(private readonly timers: Timers) {}

  /** The device's way in. */
  readonly connector: MqttConnector = {
    connect: async ({ clientId, username = '' }, listener) => {
      await this.timers.sleep(LATENCY_MS);
      this.#listener = listener;
      this.#tell({ kind: 'connected', clientId, username, clean: true, hasWill: false });
      const isOpen = (): boolean => this.#listener === listener;
      return {
        publish: async (topic, payload, delivery = 'at-least-once') => {
          if (!isOpen()) throw new Error('the connection is gone');
          const qos = delivery === 'at-most-once' ? 0 : 1;
          this.#tell({ kind: 'message', topic, payload: payload.slice(), qos, retain: false });
          if (qos === 1) await this.timers.sleep(2 * LATENCY_MS);
        },
        subscribe: async (filters) => {
          for (const filter of filters) this.#tell({ kind: 'subscribed', filter });
          await this.timers.sleep(2 * LATENCY_MS);
        },
        bufferedOctets: () => 0,
        trafficOctets: () => ({ sent: 0, received: 0 }),
        close: async () => {
          if (isOpen()) this.#end();
        },
      };
    },
  };

  listen(hear: (event: DeviceEvent) => void): void {
    this.#hear = hear;
  }

  say(topic: string, payload: Uint8Array): void {
    const listener = this.#listener;
    this.timers.after(LATENCY_MS, () => {
      if (listener !== null && listener === this.#listener) void listener.message(topic, payload);
    });
  }

  cut(): void {
    this.#end();
  }

  #end(): void {
    const listener = this.#listener;
    this.#listener = null;
    this.#tell({ kind: 'closed' });
    listener?.closed('cut');
  }

  #tell(event: DeviceEvent): void {
    this.timers.after(LATENCY_MS, () => this.#hear(this.twist(event)));
  }
}

/**
 * The DLMS gateway: a tool of the head-end speaks the wrapper to this edge and names a meter in the prefix E6; its APDUs go
 * to that meter over the meter's own line, as they are, and the answers come back with E7.
 *
 * The reader of the line stays its only user: an association of a caller is lent the framing like an on-demand read, ahead
 * of periodic reading and behind commands, for a bounded time. Titles, keys and counters are between caller and meter; the
 * edge reads nothing of it. Off unless configured; who is not let in is refused, and everything is in the log.
 *
 * Known weak point: what a caller orders of a meter is not seen, so the edge's cap on disconnections does not bind him;
 * the meter's keys do. Open the gateway only where its callers may have them.
 */
import type { ByteDuplex, Listener } from '../../base/env.ts';
import type { MeterId } from '../../model/ids.ts';
import { GATEWAY_CONNECTIONS_MAX } from '../limits.ts';
import { GatewayCaller } from './caller.ts';
import type { GatewayOptions } from './options.ts';

/** The actor. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #callers = new Set<GatewayCaller>();
  /** Meters that somebody talks to. */
  readonly #taken = new Set<MeterId>();
  #listener: Listener | null = null;

  constructor(options: GatewayOptions) {
    this.#options = options;
  }

  /** Where it listens. */
  get address(): { readonly host: string; readonly port: number } | null {
    return this.#listener;
  }

  /** Listens; rejects when the port is taken. */
  async start(): Promise<void> {
    const { env, health, settings } = this.#options;
    this.#listener = await env.net.listenTcp(settings.host, settings.port, (duplex) => this.#accept(duplex));
    const { host, port } = this.#listener;
    health.state('gateway', 'ok', `Listening on ${host}:${port} for ${settings.meters.length} meters.`);
    env.log.info('gateway.listening', { host, port, meters: settings.meters.length });
  }

  /** Ends every association of callers and listens no more. */
  async stop(): Promise<void> {
    await this.#listener?.close();
    await Promise.all([...this.#callers].map((caller) => caller.stop()));
  }

  #accept(duplex: ByteDuplex): void {
    const { env, health } = this.#options;
    if (this.#callers.size >= GATEWAY_CONNECTIONS_MAX) {
      health.count('gateway_refused_connections');
      env.log.warn('gateway.connection-refused', { peer: duplex.peer, connections: this.#callers.size });
      duplex.close();
      return;
    }
    const caller = new GatewayCaller({
      ...this.#options,
      duplex,
      taken: this.#taken,
      ended: () => this.#callers.delete(caller),
    });
    this.#callers.add(caller);
  }
}

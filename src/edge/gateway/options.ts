/** What a gateway and its parts are made of. */
import type { Env } from '../../base/env.ts';
import type { Dispatcher, Health } from '../ports.ts';
import type { GatewaySettings } from '../settings.ts';

/** What a gateway is made of. */
export interface GatewayOptions {
  readonly env: Env;
  readonly health: Health;
  readonly settings: GatewaySettings;
  readonly dispatcher: Dispatcher;
}

/** Why an edge is not taken in, or the broker does not start. */
import { errorsOf } from '../../base/errors.ts';

/** Codes of the broker room. */
export const BROKER_ERRORS = {
  EDGE_ACTIVE: {
    side: 'remote',
    retry: 'never',
    sentence:
      'This concentrator is active already. Deactivate it first if it really needs a new password and new keys.',
  },
  BROKER_NEEDS_TLS: {
    side: 'local',
    retry: 'never',
    sentence:
      'The embedded broker speaks plain MQTT, so it listens on the loopback address only. For concentrators on a network use a broker with TLS, or a TLS proxy in front and keep 127.0.0.1.',
  },
} as const;

/** Makes an error of the broker room. */
export const brokerError = errorsOf(BROKER_ERRORS);

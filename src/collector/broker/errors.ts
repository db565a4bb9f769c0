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
      'Plain MQTT is for the loopback address only. For concentrators on a network configure broker.tls, or use an external broker with TLS.',
  },
} as const;

/** Makes an error of the broker room. */
export const brokerError = errorsOf(BROKER_ERRORS);

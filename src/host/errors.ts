/** What the machine itself can refuse: disk, store, sockets, serial ports, the broker's connection. */
import { type ErrorTable, errorsOf } from '../base/errors.ts';

/** Codes of the host room. */
export type HostErrorCode =
  | 'STORE_LOCKED'
  | 'STORE_CORRUPT'
  | 'STORE_FAILED'
  | 'STORE_CLOSED'
  | 'DISK_FULL'
  | 'DISK_DENIED'
  | 'DISK_FAILED'
  | 'APPEND_BACKLOG'
  | 'TCP_UNREACHABLE'
  | 'TCP_TIMEOUT'
  | 'TCP_LISTEN_FAILED'
  | 'DUPLEX_CLOSED'
  | 'SERIAL_OPEN_FAILED'
  | 'MQTT_URL_INVALID'
  | 'MQTT_UNREACHABLE'
  | 'MQTT_REFUSED'
  | 'MQTT_CLOSED'
  | 'MQTT_SUBSCRIBE_REFUSED';

/** The table behind {@link hostError}. */
export const HOST_ERRORS: ErrorTable<HostErrorCode> = {
  STORE_LOCKED: {
    side: 'local',
    retry: 'later',
    sentence: 'The store is open in another process. Stop that process or give this one a data folder of its own.',
  },
  STORE_CORRUPT: {
    side: 'path',
    retry: 'never',
    sentence: 'The store on disk is damaged. It is repaired, or set aside and filled again from the meters.',
  },
  STORE_FAILED: {
    side: 'path',
    retry: 'later',
    sentence: 'The store did not do what was asked. Look at the disk: space, permissions, health.',
  },
  STORE_CLOSED: { side: 'local', retry: 'never', sentence: 'The store was used after it was closed.' },
  DISK_FULL: { side: 'path', retry: 'later', sentence: 'The disk is full. Free some space; nothing was replaced.' },
  DISK_DENIED: {
    side: 'local',
    retry: 'never',
    sentence: 'This user may not do that here. Check owner and mode of the path and its folders.',
  },
  DISK_FAILED: { side: 'path', retry: 'later', sentence: 'The disk did not do what was asked. Look at its health.' },
  APPEND_BACKLOG: {
    side: 'path',
    retry: 'later',
    sentence: 'The disk is slower than what is appended to it. Slow down, or look at its health.',
  },
  TCP_UNREACHABLE: {
    side: 'path',
    retry: 'later',
    sentence: 'No connection to the address. Check that it is right, that the device is on, and the network between.',
  },
  TCP_TIMEOUT: {
    side: 'path',
    retry: 'later',
    sentence: 'The address did not answer in time. The device may be off, or a firewall drops the packets.',
  },
  TCP_LISTEN_FAILED: {
    side: 'local',
    retry: 'later',
    sentence: 'The port cannot be opened for listening. Another program may hold it; choose another port.',
  },
  DUPLEX_CLOSED: { side: 'path', retry: 'later', sentence: 'The connection was closed before the octets were sent.' },
  SERIAL_OPEN_FAILED: {
    side: 'local',
    retry: 'later',
    sentence:
      'The serial port cannot be opened. Check the cable, the path, and that this user may use it (group dialout).',
  },
  MQTT_URL_INVALID: {
    side: 'local',
    retry: 'never',
    sentence: "The broker's address is not understood. Write mqtt://host:port or mqtts://host:port.",
  },
  MQTT_UNREACHABLE: {
    side: 'path',
    retry: 'later',
    sentence: 'No connection to the broker. Check its address, that it runs, the network between, and TLS settings.',
  },
  MQTT_REFUSED: {
    side: 'remote',
    retry: 'later',
    sentence: 'The broker refused this client. Check its id and password at the broker.',
  },
  MQTT_CLOSED: { side: 'path', retry: 'later', sentence: 'The connection to the broker was lost.' },
  MQTT_SUBSCRIBE_REFUSED: {
    side: 'remote',
    retry: 'never',
    sentence: 'The broker does not let this client receive a topic that it needs. Check its access list.',
  },
};

/** Makes a host error: `throw hostError('DISK_FULL', path, error)`. */
export const hostError = errorsOf(HOST_ERRORS);

/** What Node calls the error of a system call. */
export function systemCode(error: unknown): string {
  const code = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : '';
}

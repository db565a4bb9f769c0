/**
 * Serial ports and pseudo-terminals; the one file that opens `serialport`.
 *
 * A pseudo-terminal opens with any settings and carries whole octets without parity and pace: tests and simulators use
 * them, and a warning in the log says so. Direction of RS-485 is the kernel's or the adapter's.
 */
import type { SerialPort } from 'serialport';
import type { ByteDuplex, SerialPorts, SerialSettings } from '../base/env.ts';
import { reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { hostError } from './errors.ts';
import { HANG_UP_LOOK_MS, LOCK_TRIES, LOCK_WAIT_MS } from './limits.ts';
import { streamDuplex } from './stream-duplex.ts';

/** Path prefix of pseudo-terminals on Linux. */
const PTY = /^\/dev\/pts\/\d+$/;

/** The machine's serial ports. `realPath` follows links, for a pseudo-terminal is often behind one. Errors: SERIAL_OPEN_FAILED. */
export function hostSerial(log: Log, realPath: (path: string) => Promise<string>): SerialPorts {
  return {
    open: async (path, settings) => {
      const port = await openPort(path, settings);
      if (PTY.test(await realPath(path).catch(() => path))) {
        log.warn('serial.pty-has-no-parity-nor-pace', { path, baud: settings.baud, framing: framing(settings) });
      }
      return duplexOf(port, path, settings);
    },
  };
}

/** What the library says of a port that somebody holds. */
const HELD = /cannot lock port/i;

/**
 * Opens a port. A process that is just being started holds copies of all that is open, and so the lock of a port that was closed a
 * moment ago: one that is held is tried again for a while before it counts as somebody else's.
 */
async function openPort(path: string, settings: SerialSettings): Promise<SerialPort> {
  for (let tries = 1; ; tries++) {
    try {
      return await tryToOpen(path, settings);
    } catch (error) {
      if (!HELD.test(reasonOf(error)) || tries === LOCK_TRIES)
        throw hostError('SERIAL_OPEN_FAILED', `${path}: ${reasonOf(error)}`, error);
    }
    await new Promise((resolve) => setTimeout(resolve, LOCK_WAIT_MS));
  }
}

/** The library and its native part are loaded with the first port: most concentrators have none. */
async function tryToOpen(path: string, settings: SerialSettings): Promise<SerialPort> {
  const { SerialPort } = await import('serialport');
  const port = new SerialPort({
    path,
    baudRate: settings.baud,
    dataBits: settings.dataBits,
    parity: settings.parity,
    stopBits: settings.stopBits,
    autoOpen: false,
  });
  return new Promise((resolve, reject) => {
    port.open((error) => {
      if (error === null || error === undefined) resolve(port);
      else reject(error);
    });
  });
}

function duplexOf(port: SerialPort, path: string, settings: SerialSettings): ByteDuplex {
  const drained = (): Promise<void> =>
    new Promise((resolve, reject) => {
      port.drain((error) => (error === null || error === undefined ? resolve() : reject(error)));
    });
  // Destroying the stream says `close` and keeps the port: only closing it gives the device and its lock back.
  const release = () =>
    port.close((error) => {
      if (error !== null && error !== undefined) port.destroy();
    });
  watchHangUp(port, release);
  return streamDuplex(port, { peer: `${path} ${settings.baud} ${framing(settings)}`, drained, release });
}

/** EIO, ENXIO and ENODEV in the words of the library, which gives no codes. */
const GONE = /input\/output error|no such device/i;

/**
 * A line that was pulled out reads as empty without end, which the library takes for "nothing yet" and asks again at once.
 * The settings of such a line can no longer be asked for: that tells it from a silent one.
 */
function watchHangUp(port: SerialPort, lost: () => void): void {
  const ask = async () => {
    await port.port?.getBaudRate();
  };
  // Where the system never tells its settings, there is nothing to watch; a line may be gone before the first look, too.
  ask().then(
    () => {
      const watch = setInterval(() => {
        ask().catch(() => {
          clearInterval(watch);
          if (port.isOpen) lost();
        });
      }, HANG_UP_LOOK_MS);
      watch.unref();
      port.once('close', () => clearInterval(watch));
      if (!port.isOpen) clearInterval(watch);
    },
    (error: unknown) => {
      if (GONE.test(reasonOf(error)) && port.isOpen) lost();
    },
  );
}

/** `8E1` and the like. */
function framing(settings: SerialSettings): string {
  return `${settings.dataBits}${settings.parity.charAt(0).toUpperCase()}${settings.stopBits}`;
}

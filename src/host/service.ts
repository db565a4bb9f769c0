/**
 * systemd as the manager of this program (sd_notify(3)), by its own `systemd-notify`: no native code of ours. The unit must
 * say `NotifyAccess=all`, for the message comes from a child. Elsewhere there is no manager.
 */
import { spawn } from 'node:child_process';
import { reasonOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { ServiceManager } from '../base/watchdog.ts';

const MESSAGES = { ready: 'READY=1', alive: 'WATCHDOG=1', stopping: 'STOPPING=1' } as const;

/** The manager that the environment names (`NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID`), or null. */
export function hostServiceManager(log: Log): ServiceManager | null {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: microseconds, WATCHDOG_PID: pid } = process.env;
  if (socket === undefined || socket === '') return null;
  const watched = Number(microseconds) > 0 && (pid === undefined || Number(pid) === process.pid);
  let failed = false;
  return {
    watchdogMs: watched ? Number(microseconds) / 1_000 : null,
    tell: (what) => {
      const child = spawn('systemd-notify', [MESSAGES[what]], { stdio: 'ignore' });
      child.on('error', (error) => {
        // Once: it will fail each time, and the manager says the rest.
        if (!failed) log.error('service.notify-failed', { reason: reasonOf(error) });
        failed = true;
      });
    },
  };
}

/** `systemd/rs485-mode.c`: the right request with the right structure, and a sentence for whatever keeps it from being made. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';

const SOURCE = join(import.meta.dirname, '..', '..', 'systemd', 'rs485-mode.c');
const skip = spawnSync('cc', ['--version']).error === undefined ? false : 'there is no C compiler';

/** A driver that keeps the mode it is given; with SHY=1 it takes the request and does nothing, with MEEK=1 it cuts delays. */
const DRIVER = `
#include <linux/serial.h>
#include <stdlib.h>
#include <string.h>
static struct serial_rs485 kept;
int isatty(int fd) { (void)fd; return 1; }
int ioctl(int fd, unsigned long request, void *mode) {
  (void)fd;
  if (request == 0x542f && getenv("SHY") == NULL) memcpy(&kept, mode, sizeof kept);
  if (getenv("MEEK") != NULL) kept.delay_rts_after_send = 0;
  if (request == 0x542e) memcpy(mode, &kept, sizeof kept);
  return 0;
}`;

describe('the RS-485 helper', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'deltawatt-rs485-'));
  const program = join(folder, 'rs485-mode');
  const driver = join(folder, 'driver.so');
  after(() => rmSync(folder, { recursive: true, force: true }));
  const compile = (...args: string[]) => {
    const { status, stderr } = spawnSync('cc', ['-O1', '-Wall', '-Wextra', '-Werror', ...args], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  };
  if (skip === false) {
    compile('-o', program, SOURCE);
    writeFileSync(join(folder, 'driver.c'), DRIVER);
    compile('-shared', '-fPIC', '-o', driver, join(folder, 'driver.c'));
  }
  const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', env: { LC_ALL: 'C', ...env } });
    return { status, stdout, stderr };
  };
  const driven = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    run(['/dev/null', ...args], { LD_PRELOAD: driver, ...env });

  test('it makes the request of linux/serial.h with its structure of 32 octets', () => {
    const shown = (...args: string[]) => run(['/dev/ttyS1', 'show', ...args]).stdout.trim();
    const request = 'rs485-mode: /dev/ttyS1: ioctl 0x542f, 32 octets:';
    assert.equal(shown(), `${request} flags 0x3, before=0, after=0`);
    assert.equal(shown('inverted', 'echo', 'before=2', 'after=100'), `${request} flags 0x15, before=2, after=100`);
    assert.equal(shown('terminate'), `${request} flags 0x23, before=0, after=0`);
    assert.equal(shown('off'), `${request} flags 0x2, before=0, after=0`);
  });

  test('wrong arguments are refused before the port is touched', () => {
    assert.match(run([]).stderr, /^Usage: /);
    for (const wrong of ['invert', 'before=', 'before=101', 'after=-1', 'after=1x', 'before= 1', '']) {
      const { status, stderr, stdout } = driven([wrong]);
      assert.deepEqual([status, stdout], [2, ''], wrong);
      assert.ok(stderr.startsWith(`rs485-mode: '${wrong}' is no option.`), stderr);
    }
  });

  test('a port that is not there, that is none, and a driver without the mode are told apart', () => {
    const said = (path: string) => {
      const { status, stderr } = run([path]);
      assert.equal(status, 1);
      return stderr;
    };
    assert.match(
      said(join(folder, 'none')),
      /does not open: look at its name, and at the group dialout \(No such file/,
    );
    assert.match(said('/dev/null'), /this is no serial port/);
    // The master of a pseudo-terminal is a terminal, and no driver of a UART.
    assert.match(said('/dev/ptmx'), /its driver has no such RS-485 mode: use an adapter/);
  });

  test('what the driver took is read back: set, cut, or left as it was', () => {
    assert.deepEqual(driven(['after=1']), {
      status: 0,
      stdout: 'rs485-mode: /dev/null: RS-485 mode is on.\n',
      stderr: '',
    });
    assert.equal(driven(['off']).stdout, 'rs485-mode: /dev/null: RS-485 mode is off.\n');
    const cut = driven(['after=1'], { MEEK: '1' });
    assert.deepEqual(
      [cut.status, cut.stderr],
      [0, 'rs485-mode: /dev/null: the driver changed what was asked for: flags 0x3, before=0, after=0.\n'],
    );
    const shy = driven([], { SHY: '1' });
    assert.equal(shy.status, 1);
    assert.match(shy.stderr, /took the request and left the mode as it was/);
  });

  test('the system sees one TIOCSRS485 with these flags', (context) => {
    const traced = spawnSync('strace', ['-e', 'trace=ioctl', '-X', 'verbose', program, '/dev/ptmx', 'before=2'], {
      encoding: 'utf8',
    });
    if (traced.error !== undefined || /ptrace/i.test(traced.stderr)) return context.skip('strace may not trace here');
    const requests = traced.stderr.split('\n').filter((line) => line.includes('0x542f'));
    assert.equal(requests.length, 1, traced.stderr);
    assert.match(requests[0] ?? '', /TIOCSRS485/);
    context.diagnostic(requests[0] ?? '');
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostLog, type LogLevel } from '../../../src/host/log.ts';

function logged(level: LogLevel): { log: ReturnType<typeof hostLog>; lines: () => Record<string, unknown>[] } {
  let written = '';
  const log = hostLog(level, {
    write: (text: string) => {
      written += text;
    },
  });
  const lines = (): Record<string, unknown>[] =>
    written
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { log, lines };
}

test('a line is one JSON object: time, level, event, fields', () => {
  const { log, lines } = logged('info');
  log.warn('reader.session-failed', { meter: 'm1', waitedMs: 30 });
  const [line] = lines();
  assert.match(String(line?.['time']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(
    { ...line, time: '' },
    { time: '', level: 'warn', event: 'reader.session-failed', meter: 'm1', waitedMs: 30 },
  );
});

test('lines below the level are not written', () => {
  const { log, lines } = logged('warn');
  for (const level of ['error', 'warn', 'info', 'debug', 'trace'] as const) log[level](`test.${level}`);
  assert.deepEqual(
    lines().map((line) => line['level']),
    ['error', 'warn'],
  );
});

test('a child carries its fields', () => {
  const { log, lines } = logged('info');
  log.child({ edge: 'e1' }).child({ line: 'l2' }).info('link.open', { baud: 9600 });
  const [line] = lines();
  assert.deepEqual([line?.['edge'], line?.['line'], line?.['baud']], ['e1', 'l2', 9600]);
});

test('secrets are masked by the name of their field', () => {
  const { log, lines } = logged('trace');
  log.trace('session.keys', { password: 'p4ss', encryptionKey: 'aabb', key: 'ccdd', token: 't0k', meter: 'm1' });
  const text = JSON.stringify(lines());
  for (const secret of ['p4ss', 'aabb', 'ccdd', 't0k']) assert.ok(!text.includes(secret), secret);
  assert.ok(text.includes('m1'));
});

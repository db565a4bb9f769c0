import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeltawattError } from '../../../src/base/errors.ts';
import { LINK_ERRORS } from '../../../src/link/errors.ts';
import { LINK_SCHEMES, linkOf, problemsOfLink } from '../../../src/link/registry.ts';
import type { LinkEnv } from '../../../src/link/scheme.ts';
import { World } from './virtual.ts';

const world = new World();
const refused = () => Promise.reject(new Error('not in this test'));
const env: LinkEnv = {
  timers: world.timers,
  clock: world.clock,
  net: { connectTcp: refused, listenTcp: refused, listenTls: refused, serveHttp: refused },
  serial: { open: refused },
  lines: world.lines,
};

test('HE-1 every example of a scheme is a good address', () => {
  for (const { example, scheme } of LINK_SCHEMES) {
    assert.deepEqual(problemsOfLink(example, env), [], example);
    assert.equal(linkOf(example, env).scheme, scheme);
  }
});

test('HE-1 an address gives the link its framing, purpose, pace and defaults', () => {
  const serial = linkOf('serial:///dev/ttyS1?baud=9600', env);
  assert.deepEqual([serial.kind, serial.purpose, serial.framing, serial.gapMs], ['line', 'ask', 'hdlc', 250]);
  assert.ok(Math.abs(serial.octetMs - 10_000 / 9_600) < 1e-9);
  const port = linkOf('push+serial:///dev/ttyUSB0', env);
  assert.deepEqual([port.purpose, port.framing], ['push', 'auto']);
  assert.ok(Math.abs(port.octetMs - 11_000 / 2_400) < 1e-9, '8E1 has 11 bits');
  assert.equal(linkOf('tcp://[::1]:4059', env).framing, 'wrapper');
  assert.equal(linkOf('tcp+hdlc://meter.example', env).framing, 'hdlc');
  assert.equal(linkOf('push+tcp://:4059', env).kind, 'listener');
  const prime = linkOf('prime-tcp://node.example', env);
  assert.deepEqual(
    [prime.framing, prime.capabilities.maxPduBytes, prime.capabilities.joinEvents],
    ['wrapper', 1_021, true],
  );
  const g3 = linkOf('g3-serial:///dev/ttyS2?pan=781d', env);
  assert.ok(g3.kind === 'line');
  assert.deepEqual([g3.framing, g3.capabilities.maxPduBytes, Math.round(g3.octetMs * 115.2)], ['wrapper', 1_224, 10]);
  assert.equal(g3.nameProblem?.('00:11:22:33:44:55:66:aa'), null);
  assert.match(g3.nameProblem?.('10000001') ?? '', /'10000001' is no EUI-64: 16 hexadecimal digits/);
  assert.equal(linkOf('push+tcp://:4060?framing=p1', env).framing, 'p1');
  const old = linkOf('push+serial:///dev/ttyUSB0?baud=9600&data=7&framing=p1-unchecked', env);
  assert.deepEqual([old.framing, Math.round(old.octetMs * 9.6)], ['p1-unchecked', 10]);
  assert.equal(linkOf('memory:bus1?framing=wrapper', env).framing, 'wrapper');
});

test('HE-1 all problems of an address are told at once, each with the way out', () => {
  const cases: readonly [url: string, ...words: RegExp[]][] = [
    [
      'serial://host/dev/ttyS1?baud=12&parity=mark&speed=9600',
      /'host' stands where no host belongs/,
      /unknown option 'speed': baud, parity/,
      /'baud' is '12': a whole number from 300 to 921600 Bd/,
      /'parity' is 'mark': one of none, even, odd/,
    ],
    ['serial:///?echo=maybe', /path of a device is missing/, /'echo' is 'maybe': yes or no/],
    ['serial:///dev/ttyS1?baud=9600&baud=300', /given more than once/],
    ['tcp://?connect=1', /host is missing/, /'connect' is '1'/],
    ['tcp://meter/x', /'\/x' stands where nothing belongs/],
    ['prime-tcp://?join=x', /host is missing, as in prime-tcp/, /'join' is 'x'/],
    ['g3-serial://?join=x', /path of a device is missing, as in g3-serial/, /'pan' is missing/, /'join' is 'x'/],
    ['g3-serial://10.0.0.1?pan=781D', /port of the serial server is missing/],
    ['g3-serial://host/dev/ttyS1?pan=FFFF', /'host' stands where no host belongs/, /'pan' is FFFF/],
    ['g3-serial:///dev/ttyS1?pan=781&meter=1', /'pan' is '781': 4 hexadecimal digits/, /'meter' is '1': 16 hex/],
    ['memory:', /name of the line is missing/],
    ['mbus-tcp://10.0.0.1', /host and port are wanted/],
    ['mbus-serial:///dev/ttyS1?baud=1234', /baud/],
    ['carrier-pigeon://x', /unknown scheme 'carrier-pigeon': serial, tcp/],
    ['tcp://me:secret@host', /not an address; write it like tcp:\/\//],
    ['', /unknown scheme ''/],
  ];
  for (const [url, ...words] of cases) {
    const problems = problemsOfLink(url, env);
    assert.equal(problems.length, words.length, `${url}: ${problems.join('; ')}`);
    for (const word of words)
      assert.ok(
        problems.some((problem) => word.test(problem)),
        `${url}: ${word} in ${problems.join('; ')}`,
      );
    assert.throws(
      () => linkOf(url, env),
      (error: unknown) =>
        error instanceof DeltawattError && error.code === 'LINK_URL' && error.detail.includes(problems[0] ?? '?'),
    );
  }
  const { lines: _lines, ...without } = env;
  assert.match(problemsOfLink('memory:bus1', without).join(), /only inside one process/);
});

test('HE-1 a line that cannot be opened says which and why', async () => {
  for (const url of ['serial:///dev/ttyS1', 'push+serial:///dev/ttyS1', 'tcp://host:1', 'tcp+hdlc://host:1']) {
    const link = linkOf(url, env);
    assert.ok(link.kind === 'line');
    await assert.rejects(
      link.open(),
      (error: unknown) =>
        error instanceof DeltawattError && error.code === 'LINK_OPEN' && /not in this test/.test(error.detail),
    );
  }
  const listener = linkOf('push+tcp://:1', env);
  assert.ok(listener.kind === 'listener');
  await assert.rejects(
    listener.listen(() => {}),
    { code: 'LINK_OPEN' },
  );
  const memory = linkOf('memory:nowhere', env);
  assert.ok(memory.kind === 'line');
  await assert.rejects(memory.open(), { code: 'LINK_NO_LINE' });
  assert.ok(Object.values(LINK_ERRORS).every((row) => row.sentence.length > 30));
});

test('interop 14: how long the rest of a push is waited for is an option of its line, 5 s unless it says otherwise', () => {
  const waitOf = (query: string) => {
    const link = linkOf(`push+serial:///dev/ttyUSB0${query}`, env);
    return link.kind === 'line' ? link.reassemblyMs : undefined;
  };
  assert.equal(waitOf(''), 5_000);
  assert.equal(waitOf('?reassembly=8000'), 8_000);
  assert.equal(problemsOfLink('push+serial:///dev/ttyUSB0?reassembly=90000', env).length, 1);
});

test('how long the answer of a Modbus device is waited for is an option of its line, 1 s unless it says otherwise', () => {
  for (const url of ['modbus-tcp://host:502', 'modbus-serial:///dev/ttyS1']) {
    const waitOf = (query: string) => {
      const link = linkOf(`${url}${query}`, env);
      return link.kind === 'line' ? link.answerTimeoutMs : undefined;
    };
    assert.deepEqual([waitOf(''), waitOf('?answer=4000')], [1_000, 4_000]);
    assert.equal(problemsOfLink(`${url}?answer=10`, env).length, 1);
  }
});

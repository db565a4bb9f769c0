/** The reader of ASCII meters by itself: what it says when, to a meter whose answers are written down. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AsciiClient } from '../../../../src/dlms/ascii/client.machine.ts';
import { type AsciiMessage, asciiOctets, encodeAsciiMessage } from '../../../../src/dlms/ascii/message.ts';
import type { AsciiEvent, AsciiOptions, AsciiTask } from '../../../../src/dlms/ascii/task.ts';
import { ASCII_PARTS_MAX } from '../../../../src/dlms/frame/limits.ts';

const READ: AsciiTask = { kind: 'read-out', address: '' };
const programming = (password: string | null, ...texts: readonly string[]): AsciiTask => ({
  ...{ kind: 'commands', address: '', password },
  commands: texts.map((text) => ({ name: 'R5', text })),
});
/** 10 ms for an octet of the request; the maker's speed of 9,600 Bd afterwards. */
const OPTIONS: Partial<AsciiOptions> = {
  ...{ startBaud: 1_000, maxBaud: 9_600, openMs: 30, reactionMs: 2_000, gapMs: 500, drainMs: 100, recoverMs: 700 },
  ...{ attempts: 1, repeats: 1 },
};
const REQUEST = '/?!\r\n';
const said = (message: AsciiMessage) => String.fromCharCode(...encodeAsciiMessage(message));
const data = (text: string, isPart = false) => said({ kind: 'data', text, isPart });
const command = (name: string, text: string | null = null) => said({ kind: 'command', name, text });
const BREAK = command('B0');
const ACK = '\x06';
const NAK = '\x15';

/** Once the reader has said this, the meter says these, each so many ms after it. */
type Answer = readonly [heard: string, ...says: readonly (readonly [afterMs: number, text: string])[]];

/** Runs one task after the other; gives `ms what` for all that the reader does behind its first request, and ends. */
function timeline(
  tasks: readonly AsciiTask[],
  answers: readonly Answer[],
  options: Partial<AsciiOptions> = {},
): string[] {
  const client = new AsciiClient({ ...OPTIONS, ...options });
  const log: string[] = [];
  const left = [...answers];
  let onWay: { readonly atMs: number; readonly text: string }[] = [];
  let nowMs = 0;
  let isOver = false;
  const say = (what: string) => log.push(`${Math.round(nowMs)} ${what}`);
  const output = () => {
    for (const octets of client.takeOutput()) {
      const text = String.fromCharCode(...octets);
      say(`> ${text}`);
      if (left[0]?.[0] !== text) continue;
      const [, ...says] = left.shift() ?? [''];
      onWay.push(...says.map(([afterMs, each]) => ({ atMs: nowMs + afterMs, text: each })));
    }
  };
  const hear = (events: readonly AsciiEvent[]) => {
    for (const event of events) {
      output();
      if (event.kind === 'line') {
        say(`at ${event.settings.baud}`);
        hear(client.changed(nowMs));
      } else {
        isOver = true;
        say(
          event.kind === 'read'
            ? `read ${event.texts.join('|')}`
            : `${event.error.code} ${event.error.detail} (${event.heard})`,
        );
      }
    }
    output();
  };
  for (const task of tasks) {
    isOver = false;
    client.start(task, nowMs);
    while (!isOver) {
      const nextMs = Math.min(client.deadlineMs() ?? Number.POSITIVE_INFINITY, ...onWay.map(({ atMs }) => atMs));
      assert.ok(Number.isFinite(nextMs) && log.length < 2_000, `it stands still: ${log.join('; ')}`);
      nowMs = Math.max(nowMs, nextMs);
      const come = onWay.filter(({ atMs }) => atMs <= nowMs);
      onWay = onWay.filter(({ atMs }) => atMs > nowMs);
      for (const { text } of come) hear(client.receive(asciiOctets(text), nowMs));
      hear(client.tick(nowMs));
    }
    assert.deepEqual([client.deadlineMs(), client.changed(nowMs), client.tick(nowMs)], [null, [], []], 'it is at rest');
    assert.deepEqual(client.receive(asciiOctets(data('late')), nowMs), []);
  }
  return log.slice(log.findIndex((line) => line.endsWith(REQUEST)));
}

/** The same without times. */
const order = (...args: Parameters<typeof timeline>) =>
  timeline(...args).map((line) => line.slice(line.indexOf(' ') + 1));

test('mode C: the acknowledgement follows after the pause of the maker, the new speed once it has left', () => {
  for (const [maker, pauseMs] of [
    ['ABc', 20],
    ['ABC', 200],
  ] as const)
    assert.deepEqual(
      timeline(
        [READ],
        [
          [REQUEST, [100, `/${maker}5X\r\n`]],
          [`${ACK}050\r\n`, [300, data('1(1)')]],
        ],
      ),
      [
        `30 > ${REQUEST}`,
        `${130 + pauseMs} > ${ACK}050\r\n`,
        // Six octets of 10 ms and the drain of 100.
        `${290 + pauseMs} at 9600`,
        `${430 + pauseMs} read 1(1)`,
      ],
    );
});

test('the character of the speed: mode C up to what the line follows, mode B, mode A', () => {
  for (const [character, options, ...does] of [
    ['0', {}, `> ${ACK}000\r\n`, 'at 300'],
    ['1', {}, `> ${ACK}010\r\n`, 'at 600'],
    ['6', {}, `> ${ACK}050\r\n`, 'at 9600'],
    ['6', { maxBaud: 9_599 }, `> ${ACK}040\r\n`, 'at 4800'],
    ['6', { maxBaud: 19_200 }, `> ${ACK}060\r\n`, 'at 19200'],
    ['6', { maxBaud: 200 }, `> ${ACK}000\r\n`, 'at 300'],
    ['A', {}, 'at 600'],
    ['F', {}, 'at 19200'],
    ['G', {}],
    ['7', {}],
  ] as const) {
    const log = order([READ], [[REQUEST, [100, `/ABC${character}X\r\n`], [900, data('1(1)')]]], options);
    assert.deepEqual(log, [`> ${REQUEST}`, ...does, 'read 1(1)'], `${character} ${JSON.stringify(options)}`);
  }
});

test('nothing at all: request and meter are given their time, then it is told at each speed to end, and asked again', () => {
  const wake = '\0\0\0';
  assert.deepEqual(timeline([READ], [], { attempts: 2, wakeOctets: 3 }), [
    // Eight octets of 10 ms, then the reaction of 2,000.
    `30 > ${wake}${REQUEST}`,
    ...['2110 at 1000', `2110 > ${BREAK}`],
    // Five octets and 50 ms for the meter to hear it.
    ...['2210 at 9600', `2210 > ${BREAK}`],
    '2265 at 1000',
    `2965 > ${wake}${REQUEST}`,
    '5045 IEC_NO_ANSWER 2 requests (0)',
  ]);
});

test('an identification is found behind noise and empty lines, whole or in pieces', () => {
  for (const says of [
    [[10, `\n\r\nnoise\r\n/ABC5X\r\n`]],
    [
      [10, '/AB'],
      [500, 'C5X\r'],
      [990, '\n'],
    ],
    [[10, `x/ABC5X\r\n/DEF6Y\r\n`]],
  ] as const)
    assert.deepEqual(
      order(
        [READ],
        [
          [REQUEST, ...says],
          [`${ACK}050\r\n`, [300, data('1')]],
        ],
      ),
      [`> ${REQUEST}`, `> ${ACK}050\r\n`, 'at 9600', 'read 1'],
    );
});

test('an answer that is no identification ends the attempt after a silence, at once when it babbles', () => {
  const ends = (says: Answer[1]) => timeline([READ], [[REQUEST, says]]).slice(1);
  assert.deepEqual(ends([2_040, 'noise']), ['2570 IEC_GARBLED 1 requests (5)']);
  assert.deepEqual(ends([10, 'noise']), ['2080 IEC_GARBLED 1 requests (5)']);
  assert.deepEqual(ends([10, 'x'.repeat(255)]), ['2080 IEC_GARBLED 1 requests (255)']);
  assert.deepEqual(ends([10, 'x'.repeat(256)]), ['40 IEC_GARBLED 1 requests (256)']);
  assert.deepEqual(ends([10, '']), ['2080 IEC_NO_ANSWER 1 requests (0)']);
  const first = order([READ], [[REQUEST, [10, 'noise']]], { attempts: 2 });
  assert.equal(first.at(-1), 'IEC_GARBLED 2 requests (5)', 'what came says more than the silence behind it');
});

test('a data message: silence, one that is cut, one that is altered; only mode C asks for the same again', () => {
  const ends = (character: string, heard: string, ...says: Answer[1][]) => {
    const identified: Answer = [REQUEST, [100, `/ABC${character}X\r\n`], ...(heard === REQUEST ? says : [])];
    return timeline([READ], [identified, ...(heard === REQUEST ? [] : [[heard, ...says] as const])]).slice(1);
  };
  const altered = data('1(1)').replace('1', '7');
  assert.deepEqual(ends('G', REQUEST), ['2130 IEC_NO_ANSWER 1 requests (8)']);
  assert.deepEqual(ends('G', REQUEST, [200, '\x021(1)']), ['2130 IEC_GARBLED 1 requests (13)']);
  assert.deepEqual(ends('G', REQUEST, [2_000, '\x021(1)']), ['2530 IEC_GARBLED 1 requests (13)']);
  // What follows the altered message is let pass until nothing has come for 100 ms.
  assert.deepEqual(ends('G', REQUEST, [200, altered], [290, 'rest'], [380, 'rest']), ['510 IEC_CHECK 1 requests (23)']);
  const acknowledged = [`330 > ${ACK}050\r\n`, '490 at 9600'];
  const first = `${ACK}050\r\n`;
  assert.deepEqual(ends('5', first), [...acknowledged, '2490 IEC_NO_ANSWER 1 requests (8)']);
  assert.deepEqual(ends('5', first, [200, altered]), [
    ...acknowledged,
    // Its octets are gone once it has been asked for again: nothing is left to repeat.
    ...[`630 > ${NAK}`, '2631 IEC_CHECK 1 requests (15)'],
  ]);
  assert.deepEqual(ends('5', first, [200, '\x021']), [
    ...acknowledged,
    ...[`2490 > ${NAK}`, '4491 IEC_GARBLED 1 requests (10)'],
  ]);
});

test('each message may be asked for again as often as is allowed, and the next one again', () => {
  const altered = '\x021(1)\x03\x00';
  const part = data('1(1)', true);
  const log = order(
    [READ],
    [
      [REQUEST, [100, '/ABC5X\r\n']],
      [`${ACK}050\r\n`, [200, altered]],
      [NAK, [200, part]],
      [ACK, [200, altered]],
      [NAK, [200, altered]],
      [NAK, [200, data('2(2)')]],
    ],
    { repeats: 2 },
  );
  assert.deepEqual(log.slice(3), [`> ${NAK}`, `> ${ACK}`, `> ${NAK}`, `> ${NAK}`, 'read 1(1)2(2)']);
});

test('parts are acknowledged and joined, up to the most that one message may have', () => {
  const parts = (count: number) =>
    order(
      [READ],
      [
        [REQUEST, [100, '/ABC5X\r\n']],
        [`${ACK}050\r\n`, [200, data('a', true)]],
        ...Array.from({ length: count - 2 }, () => [ACK, [10, data('a', true)]] as const),
        [ACK, [10, data('z')]],
      ],
    ).at(-1);
  assert.equal(parts(ASCII_PARTS_MAX), `read ${'a'.repeat(ASCII_PARTS_MAX - 1)}z`);
  assert.match(parts(ASCII_PARTS_MAX + 1) ?? '', /^IEC_TOO_LONG 256 parts/);
});

const SIGNED_ON: readonly Answer[] = [
  [REQUEST, [100, '/ABC5X\r\n']],
  [`${ACK}051\r\n`, [200, command('P0', '(77)')]],
];
const signedOn = [`> ${REQUEST}`, `> ${ACK}051\r\n`, 'at 9600'];
const PASSWORD = command('P1', '(1234)');
const R5 = (text: string) => command('R5', text);

test('programming mode: the password, each command when the one before was answered, then the break', () => {
  const answers: readonly Answer[] = [
    ...SIGNED_ON,
    [PASSWORD, [200, ACK]],
    [R5('A()'), [100, data('A(1)')]],
    [R5('B()'), [100, data('B(2)')]],
  ];
  assert.deepEqual(order([programming('1234', 'A()', 'B()')], answers), [
    ...signedOn,
    ...[`> ${PASSWORD}`, `> ${R5('A()')}`, `> ${R5('B()')}`, `> ${BREAK}`, 'read A(1)|B(2)'],
  ]);
  assert.deepEqual(order([programming(null, 'A()')], [...SIGNED_ON, [R5('A()'), [100, data('A(1)')]]]), [
    ...signedOn,
    ...[`> ${R5('A()')}`, `> ${BREAK}`, 'read A(1)'],
  ]);
  assert.deepEqual(order([programming(null)], SIGNED_ON).slice(3), ['read '], 'without a command nothing is asked');
});

test('programming mode: what a meter says instead, and what each means where it comes', () => {
  const error = data('(ER01)');
  for (const [says, atRequest, atPassword, atCommand] of [
    [error, 'IEC_NO_ANSWER', 'IEC_PASSWORD (ER01)', 'IEC_REFUSED (ER01)'],
    [BREAK, 'IEC_REFUSED break', 'IEC_PASSWORD break', 'IEC_REFUSED break'],
    [NAK, 'IEC_NO_ANSWER', 'IEC_PASSWORD NAK', 'IEC_REFUSED NAK'],
    // What it is none of is passed over, and the wait goes on.
    [data('X(1)'), 'IEC_NO_ANSWER', 'IEC_NO_ANSWER', 'read X(1)'],
    [command('P0', '(77)'), `> ${PASSWORD}`, 'IEC_NO_ANSWER', 'IEC_NO_ANSWER'],
    [ACK, 'IEC_NO_ANSWER', `> ${R5('A()')}`, 'IEC_NO_ANSWER'],
    [command('P2', '(77)'), 'IEC_NO_ANSWER', 'IEC_NO_ANSWER', 'IEC_NO_ANSWER'],
  ] as const) {
    const [identified, acknowledged] = SIGNED_ON as [Answer, Answer];
    const steps: readonly (readonly [string, readonly Answer[], number])[] = [
      [atRequest, [identified, [acknowledged[0], [200, says]]], 3],
      [atPassword, [...SIGNED_ON, [PASSWORD, [200, says]]], 4],
      [atCommand, [...SIGNED_ON, [PASSWORD, [200, ACK]], [R5('A()'), [200, says]]], 5],
    ];
    for (const [means, answers, at] of steps) {
      const next = order([programming('1234', 'A()')], answers)
        .slice(at)
        .find((line) => line !== `> ${BREAK}`);
      assert.ok(next?.startsWith(means), `${JSON.stringify(says)} at step ${at}: ${next}`);
    }
  }
});

test('behind what means nothing the message that is wanted may stand at once', () => {
  const answers: readonly Answer[] = [
    [REQUEST, [100, '/ABC5X\r\n']],
    [`${ACK}051\r\n`, [200, ACK + NAK + data('old(1)') + command('P0', '()')]],
    [R5('A()'), [100, ACK + command('P0', '()') + data('A(1)')]],
  ];
  assert.equal(order([programming(null, 'A()')], answers).at(-1), 'read A(1)');
  const readOut = [...ACK, ...NAK, BREAK, command('P0', '()'), data('(ER01)')].join('');
  assert.equal(order([READ], [[REQUEST, [100, `/ABCGX\r\n${readOut}`]]]).at(-1), 'read (ER01)');
});

test('a session that fails is ended with a break where there is one: not in a read-out, not in modes A and B', () => {
  const breaks = (task: AsciiTask, ...answers: readonly Answer[]) => order([task], answers).slice(-2);
  assert.deepEqual(breaks(programming('1234', 'A()'), ...SIGNED_ON, [PASSWORD, [200, NAK]]), [
    `> ${BREAK}`,
    'IEC_PASSWORD NAK (19)',
  ]);
  assert.deepEqual(breaks(programming('1234', 'A()'), [REQUEST, [100, '/ABCAX\r\n']]), [
    `> ${REQUEST}`,
    'IEC_REFUSED /ABCAX: no mode C (8)',
  ]);
  assert.deepEqual(breaks(READ, [REQUEST, [100, '/ABC5X\r\n']]), ['at 9600', 'IEC_NO_ANSWER 1 requests (8)']);
});

test('behind a read-out the next request waits in mode C, while its message can be asked for again, and only there', () => {
  const pauseMs = (answers: readonly Answer[]) => {
    const [, endMs = 0, nextMs = 0] = timeline([READ, READ], [...answers, ...answers])
      .filter((line) => line.includes(' read ') || line.endsWith(REQUEST))
      .map((line) => Number.parseInt(line, 10));
    return nextMs - endMs;
  };
  const inModeC: readonly Answer[] = [
    [REQUEST, [100, '/ABC5X\r\n']],
    [`${ACK}050\r\n`, [200, data('1')]],
  ];
  assert.equal(pauseMs(inModeC), 730);
  assert.equal(pauseMs([[REQUEST, [100, `/ABCGX\r\n${data('1')}`]]]), 30);
});

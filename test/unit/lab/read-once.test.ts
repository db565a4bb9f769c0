/** Reading objects of simulated meters on a memory line, and how the answers are shown. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Data } from '../../../src/dlms/axdr/data.ts';
import { captureObjectsData } from '../../../src/dlms/cosem/capture-object.ts';
import { interfaceClassOf } from '../../../src/dlms/cosem/classes/index.ts';
import { parseObis } from '../../../src/dlms/cosem/obis.ts';
import { attributesText } from '../../../src/lab/object-table.ts';
import { bufferTable, shownAnswer } from '../../../src/lab/read-answer.ts';
import { parseReadObject, type ReadObject, readObjects } from '../../../src/lab/read-once.ts';
import { answersCsv, answersText } from '../../../src/lab/read-text.ts';
import { alignedText, csvText } from '../../../src/lab/text-table.ts';
import { parseObjectFile } from '../../../src/sim/object-file.ts';
import { Desk, profileOf, START_MS } from '../sim/world.ts';

const objects = (...texts: string[]): ReadObject[] => texts.map((text) => parseReadObject(text) ?? assert.fail(text));

async function readAt(
  texts: string[],
  more: { fromMs?: number; toMs?: number } = {},
  referencing: 'logical' | 'short' = 'logical',
) {
  const desk = new Desk('wrapper', { profiles: [profileOf('generic/idis')], days: 2, referencing });
  const session = await desk.open('read');
  return desk.settle(readObjects(session, { objects: objects(...texts), ...more }));
}

test('an OBJECT is class/obis/attribute, class/obis or an OBIS; anything else is none', () => {
  assert.deepEqual(parseReadObject('3/1-0:1.8.0/2'), { classId: 3, obis: parseObis('1-0:1.8.0'), attribute: 2 });
  assert.deepEqual(parseReadObject('3/1-0:1.8.0'), { classId: 3, obis: parseObis('1-0:1.8.0'), attribute: 'all' });
  assert.deepEqual(parseReadObject('1-0:1.8.0'), { obis: parseObis('1-0:1.8.0'), attribute: 2 });
  for (const text of [
    '',
    '3/',
    'x/1-0:1.8.0/2',
    '3/1-0:1.8.0/x',
    '3/1-0:1.8.0/2/1',
    '3/1-0:999.8.0/2',
    '3/1-0:1.8.0/',
  ]) {
    assert.equal(parseReadObject(text), null, text);
  }
});

test('HE-7 by short names everything reads as by logical ones: values, whole objects, rows of a profile', async () => {
  const texts = ['1-0:32.7.0', '70/0-0:96.3.10', '8/0-0:1.0.0', '7/1-0:99.1.0/2', '3/1-0:99.99.99/2'];
  const range = { fromMs: START_MS - 7_200_000, toMs: START_MS };
  const shown = async (referencing: 'logical' | 'short') =>
    (await readAt(texts, range, referencing)).map(({ answer }) => answer);
  const logical = await shown('logical');
  assert.ok(logical.length > 12 && logical.filter(({ result }) => result === 'success').length > 12);
  assert.deepEqual(await shown('short'), logical);
});

test('a register is shown with its scaler and unit, under the name of its attribute', async () => {
  const [{ answer } = assert.fail()] = await readAt(['1-0:32.7.0']);
  assert.deepEqual(
    [answer.classId, answer.className, answer.attributeName, answer.result, answer.unit],
    [3, 'Register', 'value', 'success', 'V'],
  );
  assert.match(answer.value ?? '', /^2\d\d\.\d$/);
  assert.equal(answer.words, `${answer.value} V`);
});

test('a whole object is every attribute that the association lets this client read', async () => {
  const answers = await readAt(['70/0-0:96.3.10']);
  assert.deepEqual(
    answers.map(({ answer }) => `${answer.attributeName}: ${answer.words}`),
    [
      'logical_name: 0-0:96.3.10*255',
      'output_state: yes',
      'control_state: connected (1)',
      'control_mode: remote disconnect, remote reconnect at once (4)',
    ],
  );
});

test('a profile buffer is a table: headings from capture_objects, values scaled, as CSV too', async () => {
  const answers = await readAt(['7/1-0:99.1.0/2'], { fromMs: START_MS - 3_600_000, toMs: START_MS });
  const [{ table } = assert.fail()] = answers;
  assert.deepEqual(table?.columns, [
    '0-0:1.0.0*255 time',
    '0-0:96.10.1*255 value',
    '1-0:1.8.0*255 Wh',
    '1-0:2.8.0*255 Wh',
    '1-0:3.8.0*255 varh',
    '1-0:4.8.0*255 varh',
    '1-0:32.7.0*255 V',
  ]);
  assert.equal(table.rows.length, 4);
  assert.equal(table.rows[0]?.[0], '2026-03-15 10:15:00 UTC+01:00');
  assert.match(table.rows[0]?.[6] ?? '', /^2\d\d\.\d$/);
  const csv = answersCsv(answers);
  assert.equal(csv.split('\r\n').length, 6);
  assert.ok(csv.startsWith('0-0:1.0.0*255 time,0-0:96.10.1*255 value,'));
  assert.match(
    answersText(answers),
    /^7\/1-0:99\.1\.0\*255\/2 {2}Profile generic {2}buffer {2}4 rows of 7 columns\n {2}0-0:1/,
  );
});

test('the object list is a table with classes, meanings and rights', async () => {
  const [{ table, answer } = assert.fail()] = await readAt(['15/0-0:40.0.0/2']);
  assert.equal(answer.words, '25 rows of 7 columns');
  assert.deepEqual(
    table?.rows.find((row) => row[3] === '0-0:1.0.0*255'),
    ['8', '0', 'Clock', '0-0:1.0.0*255', 'clock', '1 r, 2 rw, 3-4 r, 7-9 r', '3, 6'],
  );
});

test('a refusal is an answer in words, and the others are still read', async () => {
  const answers = await readAt(['3/1-0:99.99.9/2', '1-0:1.8.0']);
  assert.deepEqual(
    answers.map(({ answer }) => answer.result),
    ['object-undefined', 'success'],
  );
  assert.match(answersText(answers), /^3\/1-0:99\.99\.9\*255\/2 {2}Register {2}value {2}object-undefined\n/);
  assert.match(
    answersCsv(answers),
    /^class,obis,attribute,name,value,unit,result\r\n3,1-0:99\.99\.9\*255,2,value,,,object-undefined\r\n/,
  );
});

test('tables from memory alone name nothing unless they are asked for', () => {
  const item = { classId: 105, instanceId: parseObis('0-0:30.4.0'), attributeId: 2, access: null };
  const result = { data: { type: 'long-unsigned', value: 1500 } as const };
  const facts = { version: 0, scalerUnit: null, columns: null, template: null };
  assert.deepEqual(
    [false, true].map((unsureClasses) => {
      const { answer } = shownAnswer(item, result, { ...facts, rules: { unsureClasses } });
      return [answer.className, answer.attributeName, answer.words];
    }),
    [
      ['class 105', null, '1500'],
      ['ZigBee tunnel setup', 'max_incoming_transfer_size', '1500'],
    ],
  );
  assert.equal(interfaceClassOf(105, 0), undefined);
});

test('a buffer whose rows are not as wide as its columns is no table: nothing is put under a wrong heading', () => {
  const column = { classId: 3, instanceId: parseObis('1-0:1.8.0'), attributeId: 2, dataIndex: 0, scalerUnit: null };
  const row: Data = { type: 'structure', value: [{ type: 'unsigned', value: 1 }, { type: 'null-data' }] };
  assert.equal(bufferTable({ type: 'array', value: [row] }, [column]), null);
  const both = bufferTable({ type: 'array', value: [row] }, [column, { ...column, dataIndex: 2 }]);
  assert.deepEqual(both, { columns: ['1-0:1.8.0*255 value', '1-0:1.8.0*255 value [2]'], rows: [['1', '']] });
  assert.equal(bufferTable(captureObjectsData([]), [column])?.rows.length, 0);
});

test('text tables: aligned for people, quoted for programs; rights in runs', () => {
  const table = {
    columns: ['a', 'long'],
    rows: [
      ['1', 'x,y'],
      ['22', 'say "no"'],
    ],
  };
  assert.equal(alignedText(table), 'a   long\n1   x,y\n22  say "no"\n');
  assert.equal(csvText(table), 'a,long\r\n1,"x,y"\r\n22,"say ""no"""\r\n');
  const right = (id: number, canRead: boolean, canWrite: boolean) => ({ id, canRead, canWrite, selectors: [] });
  assert.equal(
    attributesText([right(2, true, false), right(1, true, false), right(3, true, true), right(5, false, false)]),
    '1-2 r, 3 rw',
  );
});

test('compact data is read as rows under its capture objects, and as octets when the template does not fit', async () => {
  const compactFile = (template: string) => `objects:
  - class: 62
    obis: 0-0:66.0.1
    values:
      compact_buffer: "0x2f000003e82f000003e9"
      template_description: "${template}"
      template_id: 47
      capture_objects:
        - { class: 62, ln: 0-0:66.0.1, attribute: 4 }
        - { class: 3, ln: 1-0:1.8.0, attribute: 2 }`;
  const read = async (template: string) => {
    const parsed = parseObjectFile(compactFile(template), {});
    const desk = new Desk('wrapper', { days: 0, objects: parsed.ok ? parsed.objects : assert.fail() });
    const session = await desk.open('read');
    const [shown = assert.fail()] = await desk.settle(
      readObjects(session, { objects: objects('62/0-0:66.0.1/2', '62/0-0:66.0.1/4') }),
    );
    return shown;
  };
  const { answer, table } = await read('0x02021106');
  assert.equal(answer.words, '2 rows of 2 columns');
  assert.deepEqual(table, {
    columns: ['0-0:66.0.1*255 template_id', '1-0:1.8.0*255 Wh'],
    rows: [
      ['47', '1000'],
      ['47', '1001'],
    ],
  });
  for (const template of ['0x02020606', '0x020111', '0x']) {
    const { answer, table } = await read(template);
    assert.deepEqual([answer.words, table], ['2f000003e82f000003e9', null], template);
  }
});

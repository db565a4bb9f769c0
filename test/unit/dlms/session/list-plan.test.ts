/** How many attributes go into one GET, and what becomes of a list that the meter does not take. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { fromHex } from '../../../../src/base/bytes.ts';
import { encodeWrapper } from '../../../../src/dlms/frame/wrapper-frame.ts';
import {
  ClientSession,
  type ClientSessionEvent,
  CONFORMANCE,
  decodeApdu,
  encodeApdu,
  type Outcome,
  obisOf,
  WrapperClient,
} from '../../../../src/dlms/index.ts';
import { type Association, aareOf, OUR_CONFORMANCE } from '../../../../src/dlms/session/association.ts';
import { answerBytesOf, ListSize, listLength } from '../../../../src/dlms/session/list-plan.ts';
import type { Apdu } from '../../../../src/dlms/xdlms/apdu.ts';
import { attributeOf, PROFILE, register } from './bench-meter.ts';

const BLOCKS = CONFORMANCE['block-transfer-with-get-or-read'];
const association = (conformance: number, clientPduMaxBytes = 0, serverPduMaxBytes = 0): Association => ({
  conformance,
  clientPduMaxBytes,
  serverPduMaxBytes,
  dlmsVersion: 6,
  referencing: 'logical',
});
const registers = (count: number) => Array.from({ length: count }, (_, number) => register(number));

test('HE-7 a list of reads is as long as meter, settings and both PDUs allow, the answer included', () => {
  assert.equal(listLength(registers(30), association(OUR_CONFORMANCE), 16), 16);
  assert.equal(listLength(registers(30), association(OUR_CONFORMANCE & ~CONFORMANCE['multiple-references']), 16), 1);
  const noBlocks = OUR_CONFORMANCE & ~BLOCKS;
  assert.equal(listLength(registers(30), association(noBlocks, 128, 1_024), 30), 12, '12 answers of 10 octets');
  assert.equal(
    listLength(registers(30), association(noBlocks, 1_024, 128), 30),
    12,
    'a meter sends no more than it takes',
  );
  assert.equal(
    listLength(registers(30), association(OUR_CONFORMANCE, 128, 128), 30),
    30,
    'a long answer comes in blocks',
  );
  const withRows = [register(1), attributeOf(7, PROFILE), register(2)];
  assert.equal(
    listLength(withRows, association(noBlocks, 1_024), 16),
    1,
    'rows go alone where blocks are not agreed on',
  );
  assert.equal(listLength(withRows.slice(1), association(noBlocks, 1_024), 16), 1);
  assert.equal(listLength(withRows, association(OUR_CONFORMANCE, 1_024), 16), 3);
});

test('HE-7 expected answers: a name, a register, a clock, rows without end, anything else', () => {
  const bytes = [
    attributeOf(3, obisOf(1, 0, 1, 8, 0), 1),
    register(1),
    attributeOf(8, obisOf(0, 0, 1, 0, 0)),
    attributeOf(7, PROFILE),
    attributeOf(1, PROFILE),
  ];
  assert.deepEqual(bytes.map(answerBytesOf), [8, 9, 14, Number.POSITIVE_INFINITY, 64]);
});

test('HE-7 a list size is halved down to one and never grows', () => {
  const lists = new ListSize(16);
  assert.deepEqual([lists.refused(12), lists.itemsMax], [6, 6]);
  assert.deepEqual([lists.refused(16), lists.itemsMax], [6, 6]);
  assert.deepEqual([lists.refused(1), lists.itemsMax], [null, 6], 'one item is no list');
});

/** A client that talks to a meter which takes lists of at most `itemsMax`, and refuses longer ones whole. */
function choosy(itemsMax: number, refusal: string) {
  const session = new ClientSession(new WrapperClient({ client: 16, server: 1 }));
  const outcomes: Outcome[] = [];
  const asked: string[] = [];
  const answer = (apdu: Apdu): string | Apdu | null => {
    if (apdu.apdu === 'aarq')
      return aareOf(0, 0, null, {
        apdu: 'initiate-response',
        negotiatedQos: null,
        negotiatedDlmsVersion: 6,
        conformance: OUR_CONFORMANCE,
        serverMaxReceivePduSize: 1_024,
        vaaName: 7,
      });
    if (!('invokeId' in apdu)) return null;
    const { invokeId, confirmed, highPriority } = apdu;
    const invocation = { invokeId, confirmed, highPriority };
    const items = apdu.apdu === 'get-request-with-list' ? apdu.attributes : [apdu];
    asked.push(`${apdu.apdu} ${items.length}`);
    if (items.length > itemsMax || !apdu.apdu.startsWith('get-')) return refusal;
    const results = items.map(() => ({ data: { type: 'unsigned', value: 7 } as const }));
    return results.length === 1
      ? { apdu: 'get-response-normal', ...invocation, result: { data: { type: 'unsigned', value: 7 } } }
      : { apdu: 'get-response-with-list', ...invocation, results };
  };
  const note = (events: ClientSessionEvent[]) => {
    for (const event of events) if (event.kind === 'done') outcomes.push(event.outcome);
  };
  const pump = () => {
    note(session.tick(0));
    for (let sent = session.takeOutput(); sent.length > 0; sent = session.takeOutput()) {
      for (const octets of sent) {
        const said = answer(decodeApdu(octets.subarray(8)));
        if (said === null) continue;
        const apdu = typeof said === 'string' ? fromHex(said) : encodeApdu(said);
        note(session.receive(encodeWrapper({ source: 1, destination: 16, apdu }), 0));
      }
    }
  };
  session.connect(0);
  pump();
  return { session, asked, outcomes, pump };
}

test('HE-7 a list that is refused whole is asked again in shorter ones, and the next list is short from the start', () => {
  const meter = choosy(3, 'd80103');
  meter.session.request({ service: 'get', items: registers(12) }, 0);
  meter.pump();
  assert.deepEqual(
    meter.asked.map((line) => line.split(' ')[1]),
    ['12', '6', '3', '3', '3', '3'],
  );
  meter.session.request({ service: 'get', items: registers(4) }, 0);
  meter.pump();
  assert.deepEqual(meter.asked.slice(6), ['get-request-with-list 3', 'get-request-normal 1']);
  assert.deepEqual(
    meter.outcomes.map((outcome) => outcome.kind === 'answered' && outcome.answer.results.length),
    [12, 4],
  );
});

test('HE-7 one item that is refused is refused; a list of methods or writes is never sent again in another form', () => {
  const meter = choosy(0, 'd80102');
  meter.session.request({ service: 'get', items: registers(2) }, 0);
  meter.pump();
  assert.deepEqual(meter.asked, ['get-request-with-list 2', 'get-request-normal 1']);
  assert.equal(meter.outcomes[0]?.kind, 'refused');
  const other = choosy(0, 'd80102');
  const method = { classId: 9, instanceId: PROFILE, methodId: 1 };
  other.session.request(
    { service: 'action', items: [method, method].map((each) => ({ method: each, parameters: null })) },
    0,
  );
  const writes = registers(2).map((attribute) => ({ attribute, value: { type: 'unsigned', value: 1 } as const }));
  other.session.request({ service: 'set', items: writes }, 0);
  other.pump();
  assert.deepEqual(
    other.asked.map((line) => line.split(' ')[0]),
    ['action-request-with-list', 'set-request-with-list'],
  );
  assert.deepEqual(
    other.outcomes.map(({ kind }) => kind),
    ['refused', 'refused'],
  );
});

/** Any object, asked by short names, says what it says when it is asked by its logical name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toHex } from '../../src/base/bytes.ts';
import type { Data } from '../../src/dlms/axdr/data.ts';
import { dataToOctets } from '../../src/dlms/axdr/decode.ts';
import { INTERFACE_CLASSES } from '../../src/dlms/cosem/classes/index.ts';
import { type ObisCode, obisOf, obisToOctets } from '../../src/dlms/cosem/obis.ts';
import { methodOffsetOf } from '../../src/dlms/cosem/short-names.ts';
import { WrapperClient, WrapperServer } from '../../src/dlms/frame/wrapper.machine.ts';
import { ClientSession, type ClientSessionEvent } from '../../src/dlms/session/client.machine.ts';
import type { ListedObject, ObjectModel } from '../../src/dlms/session/object-model.ts';
import type { MeterRequest } from '../../src/dlms/session/request.ts';
import { ServerSession } from '../../src/dlms/session/server.machine.ts';
import { namesOfObjects } from '../../src/dlms/session/short-association-object.ts';
import { ShortNames } from '../../src/dlms/session/short-names.ts';
import { data } from './dlms-arbitrary.ts';

const CLASSES = INTERFACE_CLASSES.filter(({ id }) => id !== 12 && id !== 15);

/** An object of any class, with any rights and any values. */
const drawnObject = fc.record({
  table: fc.constantFrom(...CLASSES),
  rights: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 40, maxLength: 40 }),
  values: fc.array(data, { minLength: 3, maxLength: 3 }),
  returns: fc.option(data.filter(({ type }) => type !== 'null-data')),
});
type DrawnObject = typeof drawnObject extends fc.Arbitrary<infer Drawn> ? Drawn : never;

const nameOf = (at: number): ObisCode => obisOf(0, 1, at, 0, 0);

function listed({ table, rights }: DrawnObject, at: number): ListedObject {
  return {
    classId: table.id,
    version: table.version,
    instanceId: nameOf(at),
    attributes: table.attributes.map(({ index }) => ({ id: index, access: index === 1 ? 1 : (rights[index] ?? 0) })),
    methods: table.methods.map(({ index }) => ({ id: index, access: (rights[index] ?? 0) !== 0 })),
  };
}

/** A meter of drawn objects that remembers what was done to it. */
class DrawnMeter implements ObjectModel {
  readonly done: string[] = [];

  constructor(private readonly objects: readonly DrawnObject[]) {}

  objectList(): readonly ListedObject[] {
    return this.objects.map(listed);
  }

  #of(instanceId: ObisCode): DrawnObject | undefined {
    return this.objects[Number(instanceId.split(':')[1]?.split('.')[0])];
  }

  read(attribute: { instanceId: ObisCode; attributeId: number }): { data: Data } | { dataAccessResult: number } {
    const { instanceId, attributeId } = attribute;
    if (attributeId === 1) return { data: { type: 'octet-string', value: obisToOctets(instanceId) } };
    const value = this.#of(instanceId)?.values[attributeId % 3];
    return value === undefined ? { dataAccessResult: 11 } : { data: value };
  }

  write({ instanceId, attributeId }: { instanceId: ObisCode; attributeId: number }, _: unknown, value: Data): number {
    this.done.push(`${instanceId} ${attributeId} ${toHex(dataToOctets(value))}`);
    return 0;
  }

  invoke({ instanceId, methodId }: { instanceId: ObisCode; methodId: number }, parameters: Data | null) {
    const shown = parameters === null ? 'none' : toHex(dataToOctets(parameters));
    this.done.push(`${instanceId} method ${methodId} ${shown}`);
    const returns = this.#of(instanceId)?.returns ?? null;
    return { actionResult: 0, returnParameters: returns === null ? null : { data: returns } };
  }
}

/** Asks everything of a meter in one association. */
function conversation(
  meter: DrawnMeter,
  requests: readonly MeterRequest[],
  pduBytes: number,
  isShort: boolean,
): unknown[] {
  const shortNames = isShort ? new ShortNames() : null;
  const client = new ClientSession(new WrapperClient({ client: 16, server: 1 }), {
    shortNames,
    clientPduMaxBytes: pduBytes,
  });
  const server = new ServerSession(new WrapperServer(), {
    model: meter,
    clients: [{ sap: 16, authentication: { mechanism: 'none' } }],
    serverPduMaxBytes: pduBytes,
    shortNames: isShort ? namesOfObjects(meter.objectList()) : null,
  });
  const events: ClientSessionEvent[] = [];
  const run = (): void => {
    for (let octets = client.takeOutput(); octets.length > 0; octets = client.takeOutput()) {
      for (const chunk of octets) server.receive(chunk, 0);
      for (const chunk of server.takeOutput()) events.push(...client.receive(chunk, 0));
      events.push(...client.tick(0));
    }
  };
  client.connect(0);
  events.push(...client.tick(0));
  run();
  return requests.map((request) => {
    const id = client.request(request, 0);
    run();
    const done = events.find((event) => event.kind === 'done' && event.id === id);
    assert.ok(done?.kind === 'done', 'no outcome');
    assert.equal(done.outcome.kind, 'answered', 'error' in done.outcome ? done.outcome.error.message : '');
    return done.outcome.kind === 'answered' ? done.outcome.answer.results : null;
  });
}

test('HE-7 any object through short names equals the same object through logical names: reads, writes, methods', () => {
  fc.assert(
    fc.property(
      fc.array(drawnObject, { minLength: 1, maxLength: 6 }),
      fc.array(data, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 64, max: 600 }),
      (objects, written, pduBytes) => {
        const all = objects.flatMap((object, at) =>
          listed(object, at).attributes.map(({ id }) => ({
            classId: object.table.id,
            instanceId: nameOf(at),
            attributeId: id,
            access: null,
          })),
        );
        const methods = objects.flatMap(({ table: { id, version, methods: own } }, at) =>
          methodOffsetOf(id, version) === null
            ? []
            : own.map(({ index }) => ({ classId: id, instanceId: nameOf(at), methodId: index })),
        );
        const argument = written.find(({ type }) => type !== 'null-data') ?? null;
        const requests: MeterRequest[] = [
          { service: 'get', items: all },
          {
            service: 'set',
            items: all.map((attribute, at) => ({
              attribute,
              value: written[at % written.length] ?? { type: 'null-data' },
            })),
          },
          ...(methods.length === 0
            ? []
            : [{ service: 'action' as const, items: methods.map((method) => ({ method, parameters: argument })) }]),
        ];
        const [logical, short] = [new DrawnMeter(objects), new DrawnMeter(objects)];
        const wanted = conversation(logical, requests, pduBytes, false);
        assert.deepEqual(conversation(short, requests, pduBytes, true), wanted);
        assert.deepEqual(short.done, logical.done);
      },
    ),
    { numRuns: 150 },
  );
});

/**
 * One open association of a server with short names: READ, WRITE and unconfirmed WRITE, lists and blocks, answered from the
 * same object model as logical names. Methods may be called by reading or by writing their names.
 *
 * As with logical names, block transfers are idempotent: the request for the block that was sent last gives it again, and a
 * block that comes twice is acknowledged twice and taken once.
 */
import { concat } from '../../base/bytes.ts';
import { DeltawattError, hasCode } from '../../base/errors.ts';
import type { Data } from '../axdr/data.ts';
import { ASSOCIATION_SN_CLASS, type BaseNames, type NamedItem } from '../cosem/short-names.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import { decodeApdu, encodeApdu } from '../xdlms/codec.ts';
import { CONFORMANCE, type ConformanceName } from '../xdlms/initiate.ts';
import type { DataBlock, GetDataResult, SelectiveAccess } from '../xdlms/service.ts';
import type { ReadRequest, ReadResult, VariableAccess, WriteRequest, WriteResult } from '../xdlms/short-name.ts';
import { type AssociationFacts, CURRENT_ASSOCIATION } from './association-object.ts';
import { BlockCutter, BlockJoiner, blockDataBytes } from './blocks.ts';
import { type ListedObject, type ObjectModel, RESULT } from './object-model.ts';
import { readResultsToOctets } from './raw-lists.ts';
import { Rights } from './rights.ts';
import {
  ASSOCIATION_SN_ATTRIBUTES,
  readShortAssociation,
  type SeenObject,
  seenObjects,
} from './short-association-object.ts';

/** Tags of the requests whose octets come in blocks. */
const TAGS = { 'read-request': 0x05, 'write-request': 0x06 } as const;
/** Block numbers are two octets. */
const BLOCKS_MAX = 0xffff;
/** confirmed-service-error: service read or write, error class service, unsupported. */
const UNSUPPORTED = { errorChoice: 3, errorValue: 2 } as const;
const SERVICES = { 'read-request': 5, 'write-request': 6 } as const;

const OWN_LISTED: ListedObject = {
  classId: ASSOCIATION_SN_CLASS,
  version: 2,
  instanceId: CURRENT_ASSOCIATION,
  attributes: Object.values(ASSOCIATION_SN_ATTRIBUTES).map((id) => ({
    id,
    access: 1,
    ...(id === ASSOCIATION_SN_ATTRIBUTES.logicalName ? {} : { selectors: [1, 2] }),
  })),
  methods: [],
};

type Request = ReadRequest | WriteRequest;

/** See the head of the file. */
export class ShortServerAssociation {
  readonly #model: ObjectModel;
  readonly #names: BaseNames;
  readonly #facts: Omit<AssociationFacts, 'objects'>;
  readonly #rights: Rights;
  readonly #seen: readonly SeenObject[];
  #outgoing: BlockCutter | null = null;
  #incoming: { readonly tag: number; readonly joiner: BlockJoiner } | null = null;

  constructor(model: ObjectModel, names: BaseNames, facts: Omit<AssociationFacts, 'objects'>) {
    this.#model = model;
    this.#names = names;
    this.#facts = facts;
    const objects = [OWN_LISTED, ...model.objectList(facts.client)];
    this.#rights = new Rights(objects);
    this.#seen = seenObjects(names, objects);
  }

  /** Whether blocks of an answer are still to be asked for. */
  get isAnswering(): boolean {
    return this.#outgoing?.current?.lastBlock === false;
  }

  /** The answer to a request, or null when it wants none. */
  serve(request: Apdu): Apdu | null {
    switch (request.apdu) {
      case 'read-request':
        return this.#has('read') ? this.#read(request) : unsupported('read-request');
      case 'write-request':
        return this.#has('write') ? this.#write(request) : unsupported('write-request');
      case 'unconfirmed-write-request':
        if (this.#has('unconfirmed-write')) this.#writeItems(request);
        return null;
      default:
        return { apdu: 'exception-response', stateError: 1, serviceError: 2, invocationCounter: null };
    }
  }

  #has(...names: ConformanceName[]): boolean {
    return names.every((name) => (this.#facts.conformance & CONFORMANCE[name]) !== 0);
  }

  #read(request: ReadRequest): Apdu {
    const [only] = request.items;
    if (request.items.length === 1 && only?.kind === 'block-number') return this.#nextBlock(only.blockNumber);
    if (request.items.length === 1 && only?.kind === 'read-data-block') return this.#more('read-request', only);
    if (request.items.length > 1 && !this.#has('multiple-references')) return unsupported('read-request');
    const items = request.items.map((item) => this.#readItem(item));
    const answer: Apdu = { apdu: 'read-response', items };
    const answerMaxBytes = this.#facts.answerMaxBytes();
    if (answerMaxBytes === 0 || encodeApdu(answer).length <= answerMaxBytes) return answer;
    const octets = readResultsToOctets(items);
    const isTooLong = octets.length > BLOCKS_MAX * blockDataBytes(answerMaxBytes);
    if (isTooLong || !this.#has('block-transfer-with-get-or-read'))
      return { apdu: 'read-response', items: items.map(() => errorOf(RESULT.otherReason)) };
    this.#outgoing = new BlockCutter(octets);
    return this.#block(this.#outgoing);
  }

  #block(cutter: BlockCutter): Apdu {
    return {
      apdu: 'read-response',
      items: [{ kind: 'data-block', ...cutter.next(blockDataBytes(this.#facts.answerMaxBytes())) }],
    };
  }

  #nextBlock(blockNumber: number): Apdu {
    const current = this.#outgoing?.current ?? null;
    if (this.#outgoing === null || current === null) return oneError(RESULT.noLongTransfer);
    if (blockNumber === current.blockNumber && !current.lastBlock) return this.#block(this.#outgoing);
    // The client did not hear the block that it asked for: it asks with the number before.
    if (blockNumber === current.blockNumber - 1)
      return { apdu: 'read-response', items: [{ kind: 'data-block', ...current }] };
    this.#outgoing = null;
    return oneError(RESULT.blockNumberInvalid);
  }

  #readItem(item: VariableAccess): ReadResult {
    if (item.kind !== 'variable' && item.kind !== 'parameterized') return errorOf(RESULT.typeUnmatched);
    const named = this.#names.locate(item.name);
    if (named === null) return errorOf(RESULT.objectUndefined);
    if (item.kind === 'parameterized' && !this.#has('parameterized-access'))
      return errorOf(RESULT.scopeOfAccessViolated);
    if (named.kind === 'method') return this.#invokeByRead(named, item);
    const access = item.kind === 'variable' ? null : { selector: item.selector, parameters: item.parameter };
    const result = this.#readAttribute(named, access);
    return 'data' in result ? { kind: 'data', data: result.data } : errorOf(result.dataAccessResult);
  }

  #readAttribute({ object: { classId, obis }, id }: NamedItem, access: SelectiveAccess | null): GetDataResult {
    const attribute = { classId, instanceId: obis, attributeId: id };
    const refused = this.#rights.attribute(attribute, 1);
    if (refused !== RESULT.success) return { dataAccessResult: refused };
    const isOwn = classId === ASSOCIATION_SN_CLASS && obis === CURRENT_ASSOCIATION;
    return isOwn
      ? readShortAssociation(id, access, this.#seen)
      : this.#model.read(attribute, access, this.#facts.client);
  }

  #invokeByRead(named: NamedItem, item: VariableAccess): ReadResult {
    if (item.kind !== 'parameterized') return errorOf(RESULT.typeUnmatched);
    const { actionResult, returned } = this.#invoke(named, item.parameter);
    if (actionResult !== RESULT.success) return errorOf(actionResult);
    return returned !== null && 'dataAccessResult' in returned
      ? errorOf(returned.dataAccessResult)
      : { kind: 'data', data: returned?.data ?? { type: 'null-data' } };
  }

  #invoke(
    { object: { classId, obis }, id }: NamedItem,
    argument: Data | undefined,
  ): { readonly actionResult: number; readonly returned: GetDataResult | null } {
    const method = { classId, instanceId: obis, methodId: id };
    const refused = this.#rights.method(method);
    if (refused !== RESULT.success) return { actionResult: refused, returned: null };
    const parameters = argument === undefined || argument.type === 'null-data' ? null : argument;
    const { actionResult, returnParameters } = this.#model.invoke(method, parameters, this.#facts.client);
    return { actionResult, returned: returnParameters };
  }

  #write(request: WriteRequest): Apdu {
    const [only] = request.items;
    const [value] = request.values;
    if (request.items.length === 1 && only?.kind === 'write-data-block') {
      if (value?.type !== 'octet-string') return writeAnswer([RESULT.typeUnmatched]);
      return this.#more('write-request', { ...only, rawData: value.value });
    }
    if (request.items.length > 1 && !this.#has('multiple-references')) return unsupported('write-request');
    return writeAnswer(this.#writeItems(request));
  }

  #writeItems({ items, values }: WriteRequest): number[] {
    return items.map((item, at) => this.#writeItem(item, values.at(at)));
  }

  #writeItem(item: VariableAccess, value: Data | undefined): number {
    if (item.kind !== 'variable' && item.kind !== 'parameterized') return RESULT.typeUnmatched;
    const named = this.#names.locate(item.name);
    if (named === null) return RESULT.objectUndefined;
    if (named.kind === 'method') return this.#invoke(named, value).actionResult;
    if (value === undefined) return RESULT.typeUnmatched;
    const { classId, obis } = named.object;
    const attribute = { classId, instanceId: obis, attributeId: named.id };
    const refused = this.#rights.attribute(attribute, 2);
    if (refused !== RESULT.success) return refused;
    const access = item.kind === 'variable' ? null : { selector: item.selector, parameters: item.parameter };
    return this.#model.write(attribute, access, value, this.#facts.client);
  }

  /** One block of a long request: acknowledged, and the last one answered as the request that it completes. */
  #more(service: keyof typeof TAGS, block: DataBlock): Apdu {
    const tag = TAGS[service];
    const failed = (result: number): Apdu => {
      this.#incoming = null;
      return service === 'read-request' ? oneError(result) : writeAnswer([result]);
    };
    const bit = service === 'read-request' ? 'block-transfer-with-get-or-read' : 'block-transfer-with-set-or-write';
    if (!this.#has(bit)) return unsupported(service);
    if (block.blockNumber === 1) this.#incoming = { tag, joiner: new BlockJoiner() };
    const incoming = this.#incoming;
    if (incoming === null || incoming.tag !== tag) return failed(RESULT.noLongTransfer);
    if (!takes(incoming.joiner, block)) return failed(RESULT.blockNumberInvalid);
    const { blockNumber } = block;
    if (!block.lastBlock)
      return {
        apdu: service === 'read-request' ? 'read-response' : 'write-response',
        items: [{ kind: 'block-number', blockNumber }],
      };
    this.#incoming = null;
    const whole = wholeRequest(tag, incoming.joiner.joined());
    if (whole === null) return failed(RESULT.typeUnmatched);
    return this.serve(whole) ?? failed(RESULT.otherReason);
  }
}

/** Takes a block; false when it has no place in the transfer. */
function takes(joiner: BlockJoiner, block: DataBlock): boolean {
  try {
    joiner.accept(block);
    return true;
  } catch (error) {
    if (hasCode(error, 'SESSION_BLOCKS')) return false;
    throw error;
  }
}

/** The request that came in blocks; null when it cannot be read, or holds blocks again. */
function wholeRequest(tag: number, octets: Uint8Array): Request | null {
  try {
    const apdu = decodeApdu(concat([Uint8Array.of(tag), octets]));
    if (apdu.apdu !== 'read-request' && apdu.apdu !== 'write-request') return null;
    return apdu.items.every(({ kind }) => kind === 'variable' || kind === 'parameterized') ? apdu : null;
  } catch (error) {
    if (error instanceof DeltawattError) return null;
    throw error;
  }
}

function errorOf(dataAccessError: number): ReadResult {
  return { kind: 'error', dataAccessError };
}

function oneError(result: number): Apdu {
  return { apdu: 'read-response', items: [errorOf(result)] };
}

function writeAnswer(results: readonly number[]): Apdu {
  return {
    apdu: 'write-response',
    items: results.map((result): WriteResult => {
      if (result === RESULT.success) return { kind: 'success' };
      return { kind: 'error', dataAccessError: result };
    }),
  };
}

function unsupported(service: keyof typeof SERVICES): Apdu {
  return { apdu: 'confirmed-service-error', service: SERVICES[service], ...UNSUPPORTED };
}

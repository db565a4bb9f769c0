/**
 * One open association of a server: every service, with access rights, lists and blocks, answered from an object model.
 *
 * Block transfers are idempotent: a request for the block that was sent last gives the same octets again, and a received
 * block that comes twice is acknowledged twice and taken once, so a client that lost an answer may ask again.
 */

import type { Data } from '../axdr/data.ts';
import { dataToOctets } from '../axdr/decode.ts';
import { GENERAL_OVERHEAD_BYTES } from '../security/limits.ts';
import type { AccessRequest } from '../xdlms/access.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import { encodeApdu } from '../xdlms/codec.ts';
import { CONFORMANCE, type ConformanceName } from '../xdlms/initiate.ts';
import type { AttributeAccess, DataBlock, Invocation, MethodDescriptor } from '../xdlms/service.ts';
import type { AssociationFacts } from './association-object.ts';
import { blockDataBytes } from './blocks.ts';
import { GENERAL_MESSAGE_MAX_BYTES } from './limits.ts';
import { type ObjectModel, RESULT } from './object-model.ts';
import { actionResultsToOctets, getResultsToOctets } from './raw-lists.ts';
import { ServedObjects } from './served-objects.ts';
import { serveAccess } from './server-access.ts';
import { ServerTransfers, valuesOf } from './server-transfers.ts';

const NOT_SUPPORTED: Apdu = { apdu: 'exception-response', stateError: 1, serviceError: 2, invocationCounter: null };
/** Longest answer in general blocks, octets: what remains of the bound after protection, which comes first. */
const GENERAL_ANSWER_MAX_BYTES = GENERAL_MESSAGE_MAX_BYTES - GENERAL_OVERHEAD_BYTES;
const TOO_LONG: Apdu = { apdu: 'exception-response', stateError: 1, serviceError: 4, invocationCounter: null };

/** One client's open association. */
export class ServerAssociation {
  readonly #facts: Omit<AssociationFacts, 'objects'>;
  readonly #objects: ServedObjects;
  readonly #transfers = new ServerTransfers();

  constructor(model: ObjectModel, facts: Omit<AssociationFacts, 'objects'>) {
    this.#facts = facts;
    this.#objects = new ServedObjects(model, facts);
  }

  /** Whether blocks of an answer are still to be asked for. */
  get isAnswering(): boolean {
    return this.#transfers.isAnswering;
  }

  /** The answer to a request, or null when it wants none. */
  serve(request: Apdu): Apdu | null {
    const answer = this.#serve(request);
    return 'confirmed' in request && !request.confirmed ? null : answer;
  }

  #serve(request: Apdu): Apdu {
    switch (request.apdu) {
      case 'get-request-normal':
        return this.#has('get')
          ? this.#get([{ ...request.attribute, access: request.access }], request, false)
          : NOT_SUPPORTED;
      case 'get-request-with-list':
        return this.#has('get', 'multiple-references') ? this.#get(request.attributes, request, true) : NOT_SUPPORTED;
      case 'get-request-next':
        return this.#nextGetBlock(request.blockNumber, request);
      case 'action-request-next-pblock':
        return this.#nextActionBlock(request.blockNumber, request);
      default:
        return this.#serveWrites(request);
    }
  }

  #serveWrites(request: Apdu): Apdu {
    switch (request.apdu) {
      case 'set-request-normal':
        return this.#has('set')
          ? this.#set([{ ...request.attribute, access: request.access }], [request.value], request, false)
          : NOT_SUPPORTED;
      case 'set-request-with-list':
        return this.#has('set', 'multiple-references')
          ? this.#set(request.attributes, request.values, request, true)
          : NOT_SUPPORTED;
      case 'set-request-with-first-datablock':
        return this.#beginSet([{ ...request.attribute, access: request.access }], false, request);
      case 'set-request-with-list-and-first-datablock':
        return this.#beginSet(request.attributes, true, request);
      case 'set-request-with-datablock':
        return this.#moreSet(request);
      default:
        return this.#serveMethods(request);
    }
  }

  #serveMethods(request: Apdu): Apdu {
    switch (request.apdu) {
      case 'action-request-normal':
        return this.#has('action')
          ? this.#action([request.method], [request.parameters], request, false)
          : NOT_SUPPORTED;
      case 'action-request-with-list':
        return this.#has('action', 'multiple-references')
          ? this.#action(request.methods, request.parameters, request, true)
          : NOT_SUPPORTED;
      case 'action-request-with-first-pblock':
        return this.#beginAction([request.method], false, request);
      case 'action-request-with-list-and-first-pblock':
        return this.#beginAction(request.methods, true, request);
      case 'action-request-with-pblock':
        return this.#moreAction(request);
      case 'access-request':
        return this.#has('access') ? this.#access(request) : NOT_SUPPORTED;
      default:
        return NOT_SUPPORTED;
    }
  }

  /** Long lists of results go in general blocks or not at all: ACCESS has no blocks of its own. */
  #access(request: AccessRequest): Apdu {
    const answer = serveAccess(request, this.#objects, {
      allWithGet: this.#has('attribute0-supported-with-get'),
      allWithSet: this.#has('attribute0-supported-with-set'),
      selection: this.#has('selective-access'),
    });
    return this.#fits(answer) ? answer : TOO_LONG;
  }

  #has(...names: ConformanceName[]): boolean {
    return names.every((name) => (this.#facts.conformance & CONFORMANCE[name]) !== 0);
  }

  #fits(apdu: Apdu): boolean {
    const answerMaxBytes = this.#facts.answerMaxBytes();
    if (answerMaxBytes === 0) return true;
    const general = this.#has('general-block-transfer');
    return encodeApdu(apdu).length <= (general ? GENERAL_ANSWER_MAX_BYTES : answerMaxBytes);
  }

  get #blockBytes(): number {
    return blockDataBytes(this.#facts.answerMaxBytes());
  }

  #get(items: readonly AttributeAccess[], { invokeId, confirmed, highPriority }: Invocation, list: boolean): Apdu {
    const invocation = { invokeId, confirmed, highPriority };
    const results = items.map((item) => this.#objects.read(item, this.#has('attribute0-supported-with-get')));
    const [only] = results;
    const short: Apdu =
      list || only === undefined
        ? { apdu: 'get-response-with-list', ...invocation, results }
        : { apdu: 'get-response-normal', ...invocation, result: only };
    if (this.#fits(short)) return short;
    if (!this.#has('block-transfer-with-get-or-read')) return this.#refuseLong(invocation);
    const octets =
      list || only === undefined || !('data' in only) ? getResultsToOctets(results) : dataToOctets(only.data);
    return getBlock(this.#transfers.begin('get', invokeId, octets, this.#blockBytes), invocation);
  }

  #refuseLong(invocation: Invocation): Apdu {
    return { apdu: 'get-response-normal', ...invocation, result: { dataAccessResult: RESULT.otherReason } };
  }

  #nextGetBlock(blockNumber: number, { invokeId, confirmed, highPriority }: Invocation): Apdu {
    const invocation = { invokeId, confirmed, highPriority };
    const resumed = this.#transfers.resume('get', invokeId, blockNumber, this.#blockBytes);
    if (resumed.kind === 'block') return getBlock(resumed.block, invocation);
    const dataAccessResult = resumed.kind === 'bad-number' ? RESULT.blockNumberInvalid : RESULT.noLongTransfer;
    const block = { dataAccessResult };
    return { apdu: 'get-response-with-datablock', ...invocation, lastBlock: true, blockNumber, block };
  }

  #set(
    attributes: readonly AttributeAccess[],
    values: readonly Data[],
    { invokeId, confirmed, highPriority }: Invocation,
    list: boolean,
  ): Apdu {
    const invocation = { invokeId, confirmed, highPriority };
    const results = this.#write(attributes, values);
    if (list) return { apdu: 'set-response-with-list', ...invocation, results };
    return { apdu: 'set-response-normal', ...invocation, result: results.at(0) ?? RESULT.otherReason };
  }

  #write(attributes: readonly AttributeAccess[], values: readonly Data[]): number[] {
    const all = this.#has('attribute0-supported-with-set');
    return attributes.map((attribute, at) => {
      const value = values.at(at);
      return value === undefined ? RESULT.typeUnmatched : this.#objects.write(attribute, value, all);
    });
  }

  #beginSet(attributes: readonly AttributeAccess[], list: boolean, request: Invocation & DataBlock): Apdu {
    if (!this.#has('set', 'block-transfer-with-set-or-write')) return NOT_SUPPORTED;
    this.#transfers.expect(request.invokeId, { attributes, methods: null, list });
    return this.#moreSet(request);
  }

  #moreSet(request: Invocation & DataBlock): Apdu {
    const { invokeId, confirmed, highPriority, blockNumber } = request;
    const invocation = { invokeId, confirmed, highPriority };
    const incoming = this.#transfers.arriving(invokeId);
    const failed = (result: number): Apdu => {
      this.#transfers.forget(invokeId);
      return { apdu: 'set-response-last-datablock', ...invocation, result, blockNumber };
    };
    if (incoming === undefined || incoming.attributes === null) return failed(RESULT.noLongTransfer);
    const taken = this.#transfers.take(invokeId, request);
    if (taken !== RESULT.success) return failed(taken);
    if (!request.lastBlock) return { apdu: 'set-response-datablock', ...invocation, blockNumber };
    this.#transfers.forget(invokeId);
    const values = valuesOf(incoming);
    if (values === null) return failed(RESULT.typeUnmatched);
    const results = this.#write(incoming.attributes, values);
    if (incoming.list) return { apdu: 'set-response-last-datablock-with-list', ...invocation, results, blockNumber };
    return {
      apdu: 'set-response-last-datablock',
      ...invocation,
      result: results.at(0) ?? RESULT.otherReason,
      blockNumber,
    };
  }

  #action(
    methods: readonly MethodDescriptor[],
    parameters: readonly (Data | null)[],
    { invokeId, confirmed, highPriority }: Invocation,
    list: boolean,
  ): Apdu {
    const invocation = { invokeId, confirmed, highPriority };
    const results = methods.map((method, at) => this.#objects.invoke(method, parameters.at(at) ?? null));
    const [only] = results;
    const short: Apdu =
      list || only === undefined
        ? { apdu: 'action-response-with-list', ...invocation, results }
        : { apdu: 'action-response-normal', ...invocation, ...only };
    if (this.#fits(short)) return short;
    if (!this.#has('block-transfer-with-action'))
      return {
        apdu: 'action-response-normal',
        ...invocation,
        actionResult: RESULT.otherReason,
        returnParameters: null,
      };
    const octets = actionResultsToOctets(results, list);
    const block = this.#transfers.begin('action', invokeId, octets, this.#blockBytes);
    return { apdu: 'action-response-with-pblock', ...invocation, ...block };
  }

  #nextActionBlock(blockNumber: number, { invokeId, confirmed, highPriority }: Invocation): Apdu {
    const invocation = { invokeId, confirmed, highPriority };
    const resumed = this.#transfers.resume('action', invokeId, blockNumber, this.#blockBytes);
    if (resumed.kind === 'block') return { apdu: 'action-response-with-pblock', ...invocation, ...resumed.block };
    const actionResult = RESULT.longTransferAborted;
    return { apdu: 'action-response-normal', ...invocation, actionResult, returnParameters: null };
  }

  #beginAction(methods: readonly MethodDescriptor[], list: boolean, request: Invocation & DataBlock): Apdu {
    if (!this.#has('action', 'block-transfer-with-action')) return NOT_SUPPORTED;
    this.#transfers.expect(request.invokeId, { attributes: null, methods, list });
    return this.#moreAction(request);
  }

  #moreAction(request: Invocation & DataBlock): Apdu {
    const { invokeId, confirmed, highPriority, blockNumber } = request;
    const invocation = { invokeId, confirmed, highPriority };
    const incoming = this.#transfers.arriving(invokeId);
    const failed = (actionResult: number): Apdu => {
      this.#transfers.forget(invokeId);
      return { apdu: 'action-response-normal', ...invocation, actionResult, returnParameters: null };
    };
    if (incoming === undefined || incoming.methods === null) return failed(RESULT.noLongTransfer);
    const taken = this.#transfers.take(invokeId, request);
    if (taken !== RESULT.success) return failed(taken);
    if (!request.lastBlock) return { apdu: 'action-response-next-pblock', ...invocation, blockNumber };
    this.#transfers.forget(invokeId);
    const values = valuesOf(incoming);
    return values === null
      ? failed(RESULT.typeUnmatched)
      : this.#action(incoming.methods, values, invocation, incoming.list);
  }
}

function getBlock({ lastBlock, blockNumber, rawData }: DataBlock, invocation: Invocation): Apdu {
  return { apdu: 'get-response-with-datablock', ...invocation, lastBlock, blockNumber, block: { rawData } };
}

/**
 * One open association of a server: every service, with access rights, lists and blocks, answered from an object model.
 *
 * Block transfers are idempotent: a request for the block that was sent last gives the same octets again, and a received
 * block that comes twice is acknowledged twice and taken once, so a client that lost an answer may ask again.
 */

import { DeltawattError, hasCode } from '../../base/errors.ts';
import type { Data } from '../axdr/data.ts';
import { dataFromOctets, dataToOctets } from '../axdr/decode.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import { encodeApdu } from '../xdlms/codec.ts';
import { CONFORMANCE, type ConformanceName } from '../xdlms/initiate.ts';
import type {
  ActionResult,
  AttributeAccess,
  DataBlock,
  GetDataResult,
  Invocation,
  MethodDescriptor,
} from '../xdlms/service.ts';
import {
  ASSOCIATION_CLASS,
  ASSOCIATION_LISTED,
  type AssociationFacts,
  CURRENT_ASSOCIATION,
  readAssociation,
} from './association-object.ts';
import { BlockCutter, BlockJoiner, blockDataBytes } from './blocks.ts';
import { type ListedObject, type ObjectModel, RESULT } from './object-model.ts';
import { actionResultsToOctets, getResultsToOctets, valuesFromOctets } from './raw-lists.ts';
import { Rights } from './rights.ts';

const NOT_SUPPORTED: Apdu = { apdu: 'exception-response', stateError: 1, serviceError: 2, invocationCounter: null };

/** A long write or method call that is arriving. */
interface Incoming {
  readonly invokeId: number;
  readonly joiner: BlockJoiner;
  readonly attributes: readonly AttributeAccess[] | null;
  readonly methods: readonly MethodDescriptor[] | null;
  readonly list: boolean;
}

/** A long answer that is leaving. */
interface Outgoing {
  readonly service: 'get' | 'action';
  readonly cutter: BlockCutter;
}

/** One client's open association. */
export class ServerAssociation {
  readonly #model: ObjectModel;
  readonly #facts: AssociationFacts;
  readonly #rights: Rights;
  #outgoing: Outgoing | null = null;
  #incoming: Incoming | null = null;

  constructor(model: ObjectModel, facts: Omit<AssociationFacts, 'objects'>) {
    this.#model = model;
    const listed = model.objectList(facts.client);
    const hasOwn = listed.some(
      ({ classId, instanceId }) => classId === ASSOCIATION_CLASS && instanceId === CURRENT_ASSOCIATION,
    );
    const objects: readonly ListedObject[] = hasOwn ? listed : [ASSOCIATION_LISTED, ...listed];
    this.#facts = { ...facts, objects };
    this.#rights = new Rights(objects);
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
      default:
        return NOT_SUPPORTED;
    }
  }

  #has(...names: ConformanceName[]): boolean {
    return names.every((name) => (this.#facts.conformance & CONFORMANCE[name]) !== 0);
  }

  #fits(apdu: Apdu): boolean {
    const { answerMaxBytes } = this.#facts;
    return answerMaxBytes === 0 || encodeApdu(apdu).length <= answerMaxBytes;
  }

  #get(items: readonly AttributeAccess[], { invokeId, confirmed, highPriority }: Invocation, list: boolean): Apdu {
    const invocation = { invokeId, confirmed, highPriority };
    const results = items.map((item) => this.#read(item));
    const [only] = results;
    const short: Apdu =
      list || only === undefined
        ? { apdu: 'get-response-with-list', ...invocation, results }
        : { apdu: 'get-response-normal', ...invocation, result: only };
    if (this.#fits(short)) return short;
    if (!this.#has('block-transfer-with-get-or-read')) return this.#refuseLong(invocation);
    const octets =
      list || only === undefined || !('data' in only) ? getResultsToOctets(results) : dataToOctets(only.data);
    this.#outgoing = { service: 'get', cutter: new BlockCutter(octets) };
    return this.#getBlock(this.#outgoing.cutter, invocation);
  }

  #refuseLong(invocation: Invocation): Apdu {
    return { apdu: 'get-response-normal', ...invocation, result: { dataAccessResult: RESULT.otherReason } };
  }

  #read({ access, ...attribute }: AttributeAccess): GetDataResult {
    const refused = this.#rights.attribute(attribute, 1);
    if (refused !== RESULT.success) return { dataAccessResult: refused };
    const isOwn = attribute.classId === ASSOCIATION_CLASS && attribute.instanceId === CURRENT_ASSOCIATION;
    return isOwn
      ? readAssociation(attribute.attributeId, this.#facts)
      : this.#model.read(attribute, access, this.#facts.client);
  }

  #getBlock(cutter: BlockCutter, invocation: Invocation): Apdu {
    const { lastBlock, blockNumber, rawData } = cutter.next(blockDataBytes(this.#facts.answerMaxBytes));
    return { apdu: 'get-response-with-datablock', ...invocation, lastBlock, blockNumber, block: { rawData } };
  }

  #nextGetBlock(blockNumber: number, { invokeId, confirmed, highPriority }: Invocation): Apdu {
    const invocation = { invokeId, confirmed, highPriority };
    const fail = (dataAccessResult: number): Apdu => {
      this.#outgoing = null;
      return {
        apdu: 'get-response-with-datablock',
        ...invocation,
        lastBlock: true,
        blockNumber,
        block: { dataAccessResult },
      };
    };
    const outgoing = this.#outgoing;
    const current = outgoing?.cutter.current ?? null;
    if (outgoing === null || outgoing.service !== 'get' || current === null) return fail(RESULT.noLongTransfer);
    if (blockNumber === current.blockNumber && !current.lastBlock) return this.#getBlock(outgoing.cutter, invocation);
    // The client did not hear the block that it asked for: it asks with the number before.
    if (blockNumber !== current.blockNumber - 1) return fail(RESULT.blockNumberInvalid);
    return {
      apdu: 'get-response-with-datablock',
      ...invocation,
      lastBlock: current.lastBlock,
      blockNumber: current.blockNumber,
      block: { rawData: current.rawData },
    };
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
    return attributes.map(({ access, ...attribute }, at) => {
      const value = values.at(at);
      if (value === undefined) return RESULT.typeUnmatched;
      const refused = this.#rights.attribute(attribute, 2);
      return refused === RESULT.success ? this.#model.write(attribute, access, value, this.#facts.client) : refused;
    });
  }

  #beginSet(attributes: readonly AttributeAccess[], list: boolean, request: Invocation & DataBlock): Apdu {
    if (!this.#has('set', 'block-transfer-with-set-or-write')) return NOT_SUPPORTED;
    this.#incoming = { invokeId: request.invokeId, joiner: new BlockJoiner(), attributes, methods: null, list };
    return this.#moreSet(request);
  }

  #moreSet(request: Invocation & DataBlock): Apdu {
    const { invokeId, confirmed, highPriority, blockNumber } = request;
    const invocation = { invokeId, confirmed, highPriority };
    const incoming = this.#incoming;
    const failed = (result: number): Apdu => {
      this.#incoming = null;
      return { apdu: 'set-response-last-datablock', ...invocation, result, blockNumber };
    };
    if (incoming === null || incoming.attributes === null || incoming.invokeId !== invokeId)
      return failed(RESULT.noLongTransfer);
    const taken = takeBlock(incoming.joiner, request);
    if (taken !== RESULT.success) return failed(taken);
    if (!request.lastBlock) return { apdu: 'set-response-datablock', ...invocation, blockNumber };
    this.#incoming = null;
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
    const results = methods.map((method, at) => this.#invoke(method, parameters.at(at) ?? null));
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
    this.#outgoing = { service: 'action', cutter: new BlockCutter(actionResultsToOctets(results, list)) };
    return this.#actionBlock(this.#outgoing.cutter, invocation);
  }

  #invoke(method: MethodDescriptor, parameters: Data | null): ActionResult {
    const refused = this.#rights.method(method);
    if (refused !== RESULT.success) return { actionResult: refused, returnParameters: null };
    return this.#model.invoke(method, parameters, this.#facts.client);
  }

  #actionBlock(cutter: BlockCutter, invocation: Invocation): Apdu {
    return {
      apdu: 'action-response-with-pblock',
      ...invocation,
      ...cutter.next(blockDataBytes(this.#facts.answerMaxBytes)),
    };
  }

  #nextActionBlock(blockNumber: number, { invokeId, confirmed, highPriority }: Invocation): Apdu {
    const invocation = { invokeId, confirmed, highPriority };
    const outgoing = this.#outgoing;
    const current = outgoing?.cutter.current ?? null;
    if (outgoing?.service === 'action' && current !== null) {
      if (blockNumber === current.blockNumber && !current.lastBlock)
        return this.#actionBlock(outgoing.cutter, invocation);
      if (blockNumber === current.blockNumber - 1)
        return { apdu: 'action-response-with-pblock', ...invocation, ...current };
    }
    this.#outgoing = null;
    return {
      apdu: 'action-response-normal',
      ...invocation,
      actionResult: RESULT.longTransferAborted,
      returnParameters: null,
    };
  }

  #beginAction(methods: readonly MethodDescriptor[], list: boolean, request: Invocation & DataBlock): Apdu {
    if (!this.#has('action', 'block-transfer-with-action')) return NOT_SUPPORTED;
    this.#incoming = { invokeId: request.invokeId, joiner: new BlockJoiner(), attributes: null, methods, list };
    return this.#moreAction(request);
  }

  #moreAction(request: Invocation & DataBlock): Apdu {
    const { invokeId, confirmed, highPriority, blockNumber } = request;
    const invocation = { invokeId, confirmed, highPriority };
    const incoming = this.#incoming;
    const failed = (actionResult: number): Apdu => {
      this.#incoming = null;
      return { apdu: 'action-response-normal', ...invocation, actionResult, returnParameters: null };
    };
    if (incoming === null || incoming.methods === null || incoming.invokeId !== invokeId)
      return failed(RESULT.noLongTransfer);
    const taken = takeBlock(incoming.joiner, request);
    if (taken !== RESULT.success) return failed(taken);
    if (!request.lastBlock) return { apdu: 'action-response-next-pblock', ...invocation, blockNumber };
    this.#incoming = null;
    const values = valuesOf(incoming);
    return values === null
      ? failed(RESULT.typeUnmatched)
      : this.#action(incoming.methods, values, invocation, incoming.list);
  }
}

/** Takes a block; gives 0, or the result that ends the transfer. */
function takeBlock(joiner: BlockJoiner, block: DataBlock): number {
  try {
    joiner.accept(block);
    return RESULT.success;
  } catch (error) {
    if (hasCode(error, 'SESSION_BLOCKS')) return RESULT.blockNumberInvalid;
    throw error;
  }
}

/** The values in a finished transfer, or null when they cannot be read. */
function valuesOf({ joiner, list }: Incoming): readonly Data[] | null {
  try {
    return list ? valuesFromOctets(joiner.joined()) : [dataFromOctets(joiner.joined())];
  } catch (error) {
    if (error instanceof DeltawattError) return null;
    throw error;
  }
}

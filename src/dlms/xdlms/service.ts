/** Parts that many services share: invocation, descriptors, selective access, results. */

import type { Data } from '../axdr/data.ts';
import type { ObisCode } from '../cosem/obis.ts';

/** Invoke-Id-And-Priority, one octet. */
export interface Invocation {
  /** 0 to 15, chosen by the client and echoed by the server. */
  readonly invokeId: number;
  readonly confirmed: boolean;
  readonly highPriority: boolean;
}

/** Long-Invoke-Id-And-Priority, four octets. */
export interface LongInvocation {
  /** 0 to 2^24 - 1. */
  readonly longInvokeId: number;
  readonly selfDescriptive: boolean;
  /** Stop at the first item that fails, instead of going on. */
  readonly breakOnError: boolean;
  readonly confirmed: boolean;
  readonly highPriority: boolean;
}

/** One attribute of one object. */
export interface AttributeDescriptor {
  /** Interface class, 0 to 65535. */
  readonly classId: number;
  readonly instanceId: ObisCode;
  /** -128 to 127; 0 means all attributes. */
  readonly attributeId: number;
}

/** One method of one object. */
export interface MethodDescriptor {
  readonly classId: number;
  readonly instanceId: ObisCode;
  readonly methodId: number;
}

/** Selector and its parameters: part of an attribute instead of all of it. */
export interface SelectiveAccess {
  /** 1 = range, 2 = entry for a profile buffer. */
  readonly selector: number;
  readonly parameters: Data;
}

/** An attribute with its selection, one item of a list. */
export interface AttributeAccess extends AttributeDescriptor {
  readonly access: SelectiveAccess | null;
}

/** What a GET gives for one attribute: `'data' in result` tells which. Codes are in `DATA_ACCESS_RESULTS`. */
export type GetDataResult = { readonly data: Data } | { readonly dataAccessResult: number };

/** What an ACTION gives for one method. Codes are in `ACTION_RESULTS`. */
export interface ActionResult {
  readonly actionResult: number;
  readonly returnParameters: GetDataResult | null;
}

/** Part of a long value. */
export interface DataBlock {
  readonly lastBlock: boolean;
  /** From 1. */
  readonly blockNumber: number;
  readonly rawData: Uint8Array;
}

/** What a server serves: the questions that an association asks of a device, free of octets and of time. */
import type { Data } from '../axdr/data.ts';
import type { ObisCode } from '../cosem/obis.ts';
import type { CipherKeys } from '../security/ciphering.ts';
import type { CounterReceiver, CounterSender } from '../security/counters.ts';
import type { Dialect } from '../security/dialect.ts';
import type { HlsSecret } from '../security/hls.ts';
import type { SecurityPolicy } from '../security/secure-channel.ts';
import type { SuiteId } from '../security/suite.ts';
import type {
  ActionResult,
  AttributeDescriptor,
  GetDataResult,
  MethodDescriptor,
  SelectiveAccess,
} from '../xdlms/service.ts';

/** Data-access-result and action-result codes that a server itself gives (Green Book; quick names for both). */
export const RESULT = {
  success: 0,
  hardwareFault: 1,
  temporaryFailure: 2,
  readWriteDenied: 3,
  objectUndefined: 4,
  objectClassInconsistent: 9,
  objectUnavailable: 11,
  typeUnmatched: 12,
  scopeOfAccessViolated: 13,
  dataBlockUnavailable: 14,
  longTransferAborted: 15,
  noLongTransfer: 16,
  blockNumberInvalid: 19,
  otherReason: 250,
} as const;

/** Access to an attribute (Blue Book, association LN: attribute access mode). */
export const ATTRIBUTE_ACCESS = { none: 0, read: 1, write: 2, readWrite: 3 } as const;

/** One attribute in an object list. */
export interface ListedAttribute {
  readonly id: number;
  /** 0 none, 1 read, 2 write, 3 both. */
  readonly access: number;
  /** Selectors that the attribute takes; absent = none. */
  readonly selectors?: readonly number[];
}

/** One method in an object list. */
export interface ListedMethod {
  readonly id: number;
  readonly access: boolean;
}

/** One object as one client sees it. */
export interface ListedObject {
  readonly classId: number;
  readonly version: number;
  readonly instanceId: ObisCode;
  readonly attributes: readonly ListedAttribute[];
  readonly methods: readonly ListedMethod[];
}

/** A device. Answers at once; access rights are checked before it is asked. `client` is the client SAP. */
export interface ObjectModel {
  /** The objects that this client may see, with its rights. Asked once for each association. */
  objectList(client: number): readonly ListedObject[];
  read(attribute: AttributeDescriptor, access: SelectiveAccess | null, client: number): GetDataResult;
  /** Gives a data-access-result. */
  write(attribute: AttributeDescriptor, access: SelectiveAccess | null, value: Data, client: number): number;
  invoke(method: MethodDescriptor, parameters: Data | null, client: number): ActionResult;
}

/** Keys, titles, counters and policy of a server towards one client. */
export interface ServerSecurity {
  readonly suite: SuiteId;
  /** The client's system title, when only one is let in; null takes any that has the keys. */
  readonly clientTitle: Uint8Array | null;
  readonly keys: CipherKeys;
  /** The server's counter under these keys; clients with the same keys share one. */
  readonly counter: CounterSender;
  /** The client's counter as last believed. */
  readonly clientCounter: CounterReceiver;
  readonly policy: SecurityPolicy;
  /** How the client reads the standard; absent = the defaults. */
  readonly dialect?: Dialect;
  /** Counter under the broadcast key as last believed; absent = that key is refused. */
  readonly broadcastCounter?: CounterReceiver;
}

/** One client that a server lets in. */
export interface ServerClient {
  /** Client SAP. */
  readonly sap: number;
  /** How it must prove who it is; secrets are compared in constant time. */
  readonly authentication:
    | { readonly mechanism: 'none' }
    | { readonly mechanism: 'lls'; readonly password: Uint8Array }
    | HlsSecret;
  /** Absent = an association without keys. Asked again after each answer: another object is a change of keys or policy. */
  readonly security?: ServerSecurity;
  /** Conformance bits it may use; absent = all that the server has. */
  readonly conformance?: number;
}

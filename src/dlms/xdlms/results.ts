/** Result codes of the services and their names (Green Book, ASN.1 module). */

type Names = Readonly<Record<number, string>>;

/** Data-access-result. */
export const DATA_ACCESS_RESULTS: Names = {
  0: 'success',
  1: 'hardware-fault',
  2: 'temporary-failure',
  3: 'read-write-denied',
  4: 'object-undefined',
  9: 'object-class-inconsistent',
  11: 'object-unavailable',
  12: 'type-unmatched',
  13: 'scope-of-access-violated',
  14: 'data-block-unavailable',
  15: 'long-get-aborted',
  16: 'no-long-get-in-progress',
  17: 'long-set-aborted',
  18: 'no-long-set-in-progress',
  19: 'data-block-number-invalid',
  250: 'other-reason',
};

/** Action-result. */
export const ACTION_RESULTS: Names = {
  0: 'success',
  1: 'hardware-fault',
  2: 'temporary-failure',
  3: 'read-write-denied',
  4: 'object-undefined',
  9: 'object-class-inconsistent',
  11: 'object-unavailable',
  12: 'type-unmatched',
  13: 'scope-of-access-violated',
  14: 'data-block-unavailable',
  15: 'long-action-aborted',
  16: 'no-long-action-in-progress',
  250: 'other-reason',
};

/** State error of an exception-response. */
export const EXCEPTION_STATES: Names = { 1: 'service-not-allowed', 2: 'service-unknown' };

/** Service error of an exception-response. */
export const EXCEPTION_SERVICES: Names = {
  1: 'operation-not-possible',
  2: 'service-not-supported',
  3: 'other-reason',
  4: 'pdu-too-long',
  5: 'deciphering-error',
  6: 'invocation-counter-error',
};

/** Classes of a confirmed-service-error, with their values from 0. */
export const SERVICE_ERROR_CLASSES: Readonly<
  Record<number, { readonly name: string; readonly values: readonly string[] }>
> = {
  0: {
    name: 'application-reference',
    values: [
      'other',
      'time-elapsed',
      'application-unreachable',
      'application-reference-invalid',
      'application-context-unsupported',
      'provider-communication-error',
      'deciphering-error',
    ],
  },
  1: {
    name: 'hardware-resource',
    values: ['other', 'memory-unavailable', 'processor-unavailable', 'mass-storage-unavailable', 'other-unavailable'],
  },
  2: {
    name: 'vde-state-error',
    values: ['other', 'no-dlms-context', 'loading-data-set', 'status-no-change', 'status-inoperable'],
  },
  3: { name: 'service', values: ['other', 'pdu-size', 'service-unsupported'] },
  4: {
    name: 'definition',
    values: ['other', 'object-undefined', 'object-class-inconsistent', 'object-attribute-inconsistent'],
  },
  5: {
    name: 'access',
    values: ['other', 'scope-of-access-violated', 'object-access-violated', 'hardware-fault', 'object-unavailable'],
  },
  6: {
    name: 'initiate',
    values: [
      'other',
      'dlms-version-too-low',
      'incompatible-conformance',
      'pdu-size-too-short',
      'refused-by-the-vde-handler',
    ],
  },
  7: {
    name: 'load-data-set',
    values: [
      'other',
      'primitive-out-of-sequence',
      'not-loadable',
      'data-set-size-too-large',
      'not-awaited-segment',
      'interpretation-failure',
      'storage-failure',
      'data-set-not-ready',
    ],
  },
  9: { name: 'task', values: ['other', 'no-remote-control', 'ti-stopped', 'ti-running', 'ti-unusable'] },
};

/** Services of a confirmed-service-error that occur here. */
export const SERVICE_ERROR_SERVICES: Names = { 1: 'initiate', 5: 'read', 6: 'write' };

/** The name of a code in a table; a code that is not there is shown as `code 200`. */
export function nameOf(names: Names, code: number): string {
  return names[code] ?? `code ${code}`;
}

/** A confirmed-service-error in words: `initiate: initiate/dlms-version-too-low`. */
export function confirmedServiceErrorText(service: number, errorChoice: number, errorValue: number): string {
  const kind = SERVICE_ERROR_CLASSES[errorChoice];
  const value = kind?.values[errorValue] ?? `code ${errorValue}`;
  return `${nameOf(SERVICE_ERROR_SERVICES, service)}: ${kind?.name ?? `class ${errorChoice}`}/${value}`;
}

/** An exception-response in words: `service-unknown, service-not-supported`. */
export function exceptionText(stateError: number, serviceError: number): string {
  return `${nameOf(EXCEPTION_STATES, stateError)}, ${nameOf(EXCEPTION_SERVICES, serviceError)}`;
}

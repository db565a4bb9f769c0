/**
 * Passes 3 and 4 of a high-level authentication as APDUs: the proof is the argument of reply_to_HLS_authentication of the
 * association, and the proof of the other side its result; method 1 of association LN, method 8 of association SN.
 */
import type { Data } from '../axdr/data.ts';
import { ASSOCIATION_SN_CLASS, CURRENT_ASSOCIATION_NAME, methodNameOf } from '../cosem/short-names.ts';
import { securityError } from '../security/errors.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import type { ReadResult, VariableAccess } from '../xdlms/short-name.ts';
import { ASSOCIATION_CLASS, CURRENT_ASSOCIATION, REPLY_TO_HLS } from './association-object.ts';
import { sessionError } from './errors.ts';
import { RESULT } from './object-model.ts';
import type { ShortMethodForm } from './short-names.ts';

const REPLY_TO_HLS_SN = 8;

/** How a proof travels. */
export interface ProofForm {
  /** The client's pass 3. */
  request(proof: Uint8Array, invokeId: number): Apdu;
  /** The meter's proof in pass 4, null = it took ours and gave none; throws SECURITY_PROOF when it refused. */
  answered(answer: Apdu): Uint8Array | null;
  /** The client's proof as a server finds it; undefined when the request is something else, null when it holds none. */
  asked(request: Apdu): Uint8Array | null | undefined;
  /** The server's pass 4; null refuses. */
  answer(request: Apdu, proof: Uint8Array | null): Apdu;
}

const octets = (value: Uint8Array): Data => ({ type: 'octet-string', value });

function proofOctets(data: Data | null | undefined): Uint8Array | null {
  return data?.type === 'octet-string' ? data.value : null;
}

function refused(result: number): Error {
  return securityError('SECURITY_PROOF', `the meter refused ours, result ${result}`);
}

/** As ACTION on association LN. */
export const LOGICAL_PROOF: ProofForm = {
  request: (proof, invokeId) => ({
    apdu: 'action-request-normal',
    invokeId,
    confirmed: true,
    highPriority: true,
    method: { classId: ASSOCIATION_CLASS, instanceId: CURRENT_ASSOCIATION, methodId: REPLY_TO_HLS },
    parameters: octets(proof),
  }),
  answered(answer) {
    if (answer.apdu !== 'action-response-normal') throw sessionError('SESSION_ANSWER', answer.apdu);
    const { actionResult, returnParameters } = answer;
    if (actionResult !== RESULT.success) throw refused(actionResult);
    return proofOctets(returnParameters !== null && 'data' in returnParameters ? returnParameters.data : null);
  },
  asked(request) {
    if (request.apdu !== 'action-request-normal') return;
    const { classId, instanceId, methodId } = request.method;
    if (classId !== ASSOCIATION_CLASS || instanceId !== CURRENT_ASSOCIATION || methodId !== REPLY_TO_HLS) return;
    return proofOctets(request.parameters);
  },
  answer(request, proof) {
    const { invokeId, confirmed, highPriority } = invocationIn(request);
    return {
      apdu: 'action-response-normal',
      invokeId,
      confirmed,
      highPriority,
      actionResult: proof === null ? RESULT.readWriteDenied : RESULT.success,
      returnParameters: proof === null ? null : { data: octets(proof) },
    };
  },
};

function invocationIn(request: Apdu): { invokeId: number; confirmed: boolean; highPriority: boolean } {
  return request.apdu === 'action-request-normal' ? request : { invokeId: 0, confirmed: true, highPriority: true };
}

const OWN = {
  baseName: CURRENT_ASSOCIATION_NAME,
  classId: ASSOCIATION_SN_CLASS,
  version: 2,
  obis: CURRENT_ASSOCIATION,
};
const REPLY_NAME = methodNameOf(OWN, REPLY_TO_HLS_SN) ?? 0;

/**
 * As a method of association SN: read with the proof as parameter, which brings the meter's back, or written, which does
 * not. A server takes both.
 */
export function shortProof(form: ShortMethodForm): ProofForm {
  return {
    request: (proof) =>
      form === 'read'
        ? {
            apdu: 'read-request',
            items: [{ kind: 'parameterized', name: REPLY_NAME, selector: 0, parameter: octets(proof) }],
          }
        : { apdu: 'write-request', items: [{ kind: 'variable', name: REPLY_NAME }], values: [octets(proof)] },
    answered(answer) {
      if (answer.apdu !== 'read-response' && answer.apdu !== 'write-response')
        throw sessionError('SESSION_ANSWER', answer.apdu);
      const [item] = answer.items;
      if (answer.items.length !== 1 || item === undefined) throw sessionError('SESSION_ANSWER', 'not one result');
      if (item.kind === 'error') throw refused(item.dataAccessError);
      return item.kind === 'data' ? proofOctets(item.data) : null;
    },
    asked(request) {
      if (request.apdu !== 'read-request' && request.apdu !== 'write-request') return;
      const [item] = request.items;
      if (request.items.length !== 1 || nameOf(item) !== REPLY_NAME) return;
      if (request.apdu === 'write-request') return proofOctets(request.values[0]);
      return item?.kind === 'parameterized' ? proofOctets(item.parameter) : null;
    },
    answer(request, proof) {
      if (request.apdu === 'write-request') {
        const result =
          proof === null
            ? ({ kind: 'error', dataAccessError: RESULT.readWriteDenied } as const)
            : ({ kind: 'success' } as const);
        return { apdu: 'write-response', items: [result] };
      }
      const result: ReadResult =
        proof === null
          ? { kind: 'error', dataAccessError: RESULT.readWriteDenied }
          : { kind: 'data', data: octets(proof) };
      return { apdu: 'read-response', items: [result] };
    },
  };
}

function nameOf(item: VariableAccess | undefined): number | null {
  return item?.kind === 'variable' || item?.kind === 'parameterized' ? item.name : null;
}

/** What is asked of a meter's Security setup when its keys are changed, over an association that somebody else keeps. */
import type { Data } from '../../dlms/axdr/data.ts';
import { type ObisCode, obisFromOctets, parseObis } from '../../dlms/cosem/obis.ts';
import {
  type ActionResult,
  GLOBAL_KEY_IDS,
  type MeterSession,
  SECURITY_SETUP,
  SECURITY_SETUP_CLASS,
  SETUP_METHODS,
  type SetupCall,
} from '../../dlms/index.ts';
import type { KeyName } from '../../model/command.ts';
import { edgeError } from '../errors.ts';
import { dataOf } from './answers.ts';

/** The current association, whatever its client; `security_setup_reference` since version 1 of the class. */
const OWN_ASSOCIATION = { classId: 15, instanceId: parseObis('0-0:40.0.0*255'), attributeId: 9, access: null } as const;
const OBIS_OCTETS = 6;

/** The Security setup of this association; one that does not name it has the only one. */
export async function securitySetupOf(association: Pick<MeterSession, 'get'>): Promise<ObisCode> {
  const data = dataOf((await association.get([OWN_ASSOCIATION])).at(0));
  const isNamed = data?.type === 'octet-string' && data.value.length === OBIS_OCTETS;
  return isNamed ? obisFromOctets(data.value) : SECURITY_SETUP;
}

/** The one answer to a call; rejects with READER_BAD_ANSWER when there is none. */
export async function askOnce(association: Pick<MeterSession, 'action'>, call: SetupCall): Promise<ActionResult> {
  const [result] = await association.action([call]);
  if (result === undefined) throw edgeError('READER_BAD_ANSWER', 'Security setup: no answer');
  return result;
}

/** A key_transfer of one key, wrapped under the master key of the meter. */
export function transferCall(instanceId: ObisCode, key: KeyName, wrapped: Uint8Array): SetupCall {
  const method = { classId: SECURITY_SETUP_CLASS, instanceId, methodId: SETUP_METHODS.keyTransfer };
  return { method, parameters: transferOf(key, wrapped) };
}

/** The parameters of a key_transfer of one key. */
export function transferOf(key: KeyName, wrapped: Uint8Array): Data {
  const id = { type: 'enum', value: GLOBAL_KEY_IDS[key] } as const;
  return { type: 'array', value: [{ type: 'structure', value: [id, { type: 'octet-string', value: wrapped }] }] };
}

/**
 * The invocation counter of a meter as its public client shows it (0-0:43.1.0, class 1). It comes unauthenticated: it may
 * raise our own within a limit, never lower it (`CounterSender.raise`).
 */
import { INVOCATION_COUNTER } from '../security/setup-requests.ts';
import type { AttributeAccess, GetDataResult } from '../xdlms/service.ts';

/** Client that every meter lets in without a password. */
export const PUBLIC_CLIENT_SAP = 16;

/** What to ask the public client for. */
export const INVOCATION_COUNTER_ATTRIBUTE: AttributeAccess = {
  classId: 1,
  instanceId: INVOCATION_COUNTER,
  attributeId: 2,
  access: null,
};

/** The number in the answer, or null when the meter shows none. */
export function counterIn(result: GetDataResult | undefined): number | null {
  if (result === undefined || !('data' in result)) return null;
  const { data } = result;
  if (data.type === 'double-long-unsigned' || data.type === 'long-unsigned') return data.value;
  return null;
}

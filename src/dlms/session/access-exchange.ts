/** ACCESS seen from the client: gets, sets and actions mixed, in one question and one answer. */
import type { AccessRequest, AccessSpecification } from '../xdlms/access.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import type { Invocation } from '../xdlms/service.ts';
import { sessionError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { AccessItem, AccessResult } from './request.ts';

/** Asks for everything at once; `breakOnError` = the meter stops at the first thing that it refuses. */
export function accessExchange(
  items: readonly AccessItem[],
  { invokeId, confirmed, highPriority }: Invocation,
  breakOnError: boolean,
): Exchange<readonly AccessResult[]> {
  const first: AccessRequest = {
    apdu: 'access-request',
    longInvokeId: invokeId,
    selfDescriptive: false,
    breakOnError,
    confirmed,
    highPriority,
    dateTime: new Uint8Array(0),
    specifications: items.map(specificationOf),
    dataList: items.map((item) => {
      if (item.service === 'set') return item.value;
      return (item.service === 'action' ? item.parameters : null) ?? { type: 'null-data' };
    }),
  };
  return { first, accept: (answer) => ({ kind: 'done', results: resultsIn(answer, items) }) };
}

function specificationOf(item: AccessItem): AccessSpecification {
  if (item.service === 'action') return { choice: 'action', ...item.method };
  const { access, ...attribute } = item.attribute;
  return access === null
    ? { choice: item.service, ...attribute }
    : { choice: `${item.service}-with-selection`, ...attribute, access };
}

function resultsIn(answer: Apdu, items: readonly AccessItem[]): readonly AccessResult[] {
  if (answer.apdu !== 'access-response') throw sessionError('SESSION_ANSWER', answer.apdu);
  const { results, dataList } = answer;
  if (results.length !== items.length || dataList.length !== items.length) {
    const detail = `${results.length} results and ${dataList.length} values for ${items.length} items`;
    throw sessionError('SESSION_ANSWER', detail);
  }
  return results.map(({ choice, result }, at) => {
    const item = items.at(at);
    if (item?.service !== choice) throw sessionError('SESSION_ANSWER', `${choice} for ${item?.service}`);
    return { service: choice, result, data: dataList.at(at) ?? { type: 'null-data' } };
  });
}

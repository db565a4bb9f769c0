/** Logical names: GET, SET and ACTION with class, OBIS and number, answers told apart by invoke ids. */
import { accessExchange } from './access-exchange.ts';
import { type Association, agreed, OUR_CONFORMANCE, requestMaxBytes } from './association.ts';
import { actionExchange, type ExchangeLimits, getExchange, invocationOf, setExchange } from './exchange.ts';
import { LOGICAL_PROOF } from './proof.ts';
import type { Referencing } from './referencing.ts';

/** Referencing by logical names. */
export const LOGICAL_REFERENCING: Referencing = {
  name: 'logical',
  conformance: OUR_CONFORMANCE,
  proof: () => LOGICAL_PROOF,
  isAnswer: (apdu, invokeId) => invocationOf(apdu) === invokeId,
  numbersAnswers: true,
  preparation: () => null,
  exchange(request, invocation, association) {
    switch (request.service) {
      case 'get':
        return getExchange(request.items, invocation);
      case 'set':
        return setExchange(request.items, invocation, limitsOf(association, 'block-transfer-with-set-or-write'));
      case 'action':
        return actionExchange(request.items, invocation, limitsOf(association, 'block-transfer-with-action'));
      case 'access':
        return accessExchange(request.items, invocation, request.breakOnError === true);
    }
  },
};

function limitsOf(
  association: Association,
  blocks: 'block-transfer-with-set-or-write' | 'block-transfer-with-action',
): ExchangeLimits {
  return { pduMaxBytes: requestMaxBytes(association), blocks: agreed(association, blocks) };
}

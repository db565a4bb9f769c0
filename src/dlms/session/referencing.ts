/** How an association calls objects, by logical or by short names: everything in a client's session that depends on it. */
import type { Apdu } from '../xdlms/apdu.ts';
import type { ActionResult, GetDataResult, Invocation } from '../xdlms/service.ts';
import type { Association, ReferencingName } from './association.ts';
import type { Exchange } from './exchange.ts';
import type { ProofForm } from './proof.ts';
import type { AccessResult, MeterRequest } from './request.ts';

/** Result of one item of a request. */
export type ItemResult = GetDataResult | number | ActionResult | AccessResult;

/** An exchange with a result for each item. */
export type ItemExchange = Exchange<readonly ItemResult[]>;

/** What a session asks of it. */
export interface Referencing {
  readonly name: ReferencingName;
  /** Services to propose when nothing else is said. */
  readonly conformance: number;
  /** Passes 3 and 4 in an association that agreed on these services. */
  proof(conformance: number): ProofForm;
  /** Whether the APDU can be the answer to what was asked last, under this invoke id. */
  isAnswer(apdu: Apdu, invokeId: number): boolean;
  /**
   * Whether a late answer can be told from the right one. Where it cannot, an answer that does not come in time ends the
   * association: it could come later and be taken for the answer to something else.
   */
  readonly numbersAnswers: boolean;
  /**
   * What must be asked before these items (no more than go in one list) can be, or null. Its exchange has no results of
   * its own.
   */
  preparation(request: MeterRequest, association: Association): ItemExchange | null;
  /** The exchange for these items, or their results when nothing need be asked. Throws SESSION_TOO_LONG, SESSION_METHOD_NAME. */
  exchange(
    request: MeterRequest,
    invocation: Invocation,
    association: Association,
  ): ItemExchange | readonly ItemResult[];
}

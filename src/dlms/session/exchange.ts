/**
 * One service exchange seen from the client: the APDUs to send, in turn, and what comes of the answers. Blocks in either
 * direction are inside; the session above sees one question and one answer.
 */
import { DeltawattError } from '../../base/errors.ts';
import { dataFromOctets, dataToOctets } from '../axdr/decode.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import { encodeApdu } from '../xdlms/codec.ts';
import type { ActionResult, AttributeAccess, GetDataResult, Invocation } from '../xdlms/service.ts';
import { BlockCutter, BlockJoiner, blockDataBytes } from './blocks.ts';
import { sessionError } from './errors.ts';
import { actionResultsFromOctets, getResultsFromOctets, valuesToOctets } from './raw-lists.ts';
import type { AttributeValue, MethodCall } from './request.ts';

/** What follows an answer. */
export type Step<Results> =
  /** Send this next. */
  | { readonly kind: 'send'; readonly apdu: Apdu }
  | { readonly kind: 'done'; readonly results: Results }
  /** Not an answer to what was asked last: wait on. */
  | { readonly kind: 'ignore' };

/** What the association allows. */
export interface ExchangeLimits {
  /** Longest APDU that the server takes; 0 = no limit. */
  readonly pduMaxBytes: number;
  /** Whether long requests of this service may go in blocks. */
  readonly blocks: boolean;
}

/** The client's half of one exchange. */
export interface Exchange<Results> {
  /** The first APDU. */
  readonly first: Apdu;
  /** Takes an answer with the right invoke id; throws DeltawattError when it makes no sense. */
  accept(answer: Apdu): Step<Results>;
}

const IGNORE = { kind: 'ignore' } as const;

function unexpected(answer: Apdu): Error {
  return sessionError('SESSION_ANSWER', answer.apdu);
}

function isTooLong(apdu: Apdu, limits: ExchangeLimits): boolean {
  return limits.pduMaxBytes > 0 && encodeApdu(apdu).length > limits.pduMaxBytes;
}

/** Asks for attributes; several go as a list. */
export function getExchange(
  items: readonly AttributeAccess[],
  invocation: Invocation,
): Exchange<readonly GetDataResult[]> {
  const [only] = items;
  const joiner = new BlockJoiner();
  const single = items.length === 1 && only !== undefined;
  const joined = (): readonly GetDataResult[] =>
    single ? [{ data: dataFromOctets(joiner.joined()) }] : checked(getResultsFromOctets(joiner.joined()), items.length);
  return {
    first: single
      ? { apdu: 'get-request-normal', ...invocation, attribute: only, access: only.access }
      : { apdu: 'get-request-with-list', ...invocation, attributes: items },
    accept(answer) {
      if (answer.apdu === 'get-response-normal') {
        if (single) return { kind: 'done', results: [answer.result] };
        if ('data' in answer.result) throw unexpected(answer);
        const refused = answer.result;
        return { kind: 'done', results: items.map(() => refused) };
      }
      if (answer.apdu === 'get-response-with-list')
        return { kind: 'done', results: checked(answer.results, items.length) };
      if (answer.apdu !== 'get-response-with-datablock') throw unexpected(answer);
      const { block, blockNumber, lastBlock } = answer;
      if ('dataAccessResult' in block) return { kind: 'done', results: items.map(() => block) };
      if (!joiner.accept({ blockNumber, lastBlock, rawData: block.rawData })) return IGNORE;
      if (lastBlock) return { kind: 'done', results: joined() };
      return { kind: 'send', apdu: { apdu: 'get-request-next', ...invocation, blockNumber } };
    },
  };
}

function checked<Result>(results: readonly Result[], count: number): readonly Result[] {
  if (results.length !== count) throw sessionError('SESSION_ANSWER', `${results.length} results for ${count} items`);
  return results;
}

/** Writes attributes; several go as a list, long values in blocks. */
export function setExchange(
  items: readonly AttributeValue[],
  invocation: Invocation,
  limits: ExchangeLimits,
): Exchange<readonly number[]> {
  const attributes = items.map((item) => item.attribute);
  const values = items.map((item) => item.value);
  const [attribute] = attributes;
  const [value] = values;
  const single = items.length === 1 && attribute !== undefined && value !== undefined;
  const short: Apdu = single
    ? { apdu: 'set-request-normal', ...invocation, attribute, access: attribute.access, value }
    : { apdu: 'set-request-with-list', ...invocation, attributes, values };
  if (!isTooLong(short, limits)) return shortExchange(short, (answer) => setResults(answer, items.length));
  if (!limits.blocks) throw sessionError('SESSION_TOO_LONG', `SET of ${items.length} attributes`);
  const cutter = new BlockCutter(single ? dataToOctets(value) : valuesToOctets(values));
  const head = (size: number): Apdu =>
    single
      ? {
          apdu: 'set-request-with-first-datablock',
          ...invocation,
          attribute,
          access: attribute.access,
          ...cutter.next(size),
        }
      : { apdu: 'set-request-with-list-and-first-datablock', ...invocation, attributes, ...cutter.next(size) };
  const first = head(blockDataBytes(limits.pduMaxBytes, headBytes(short, values.map(dataToOctets))));
  return {
    first,
    accept(answer) {
      if (answer.apdu !== 'set-response-datablock') return { kind: 'done', results: setResults(answer, items.length) };
      if (answer.blockNumber !== cutter.current?.blockNumber) return IGNORE;
      const block = cutter.next(blockDataBytes(limits.pduMaxBytes));
      return { kind: 'send', apdu: { apdu: 'set-request-with-datablock', ...invocation, ...block } };
    },
  };
}

/** Octets that descriptors take in the first block: the short form without its values. */
function headBytes(short: Apdu, values: readonly Uint8Array[]): number {
  return encodeApdu(short).length - values.reduce((sum, value) => sum + value.length, 0);
}

function shortExchange<Results>(first: Apdu, results: (answer: Apdu) => Results): Exchange<Results> {
  return { first, accept: (answer) => ({ kind: 'done', results: results(answer) }) };
}

function setResults(answer: Apdu, count: number): readonly number[] {
  switch (answer.apdu) {
    case 'set-response-normal':
    case 'set-response-last-datablock':
      // One success does not say of which of several; one refusal is of all.
      if (count > 1 && answer.result === 0) throw unexpected(answer);
      return Array.from({ length: count }, () => answer.result);
    case 'set-response-with-list':
    case 'set-response-last-datablock-with-list':
      return checked(answer.results, count);
    default:
      throw unexpected(answer);
  }
}

/** Invokes methods; several go as a list, long parameters and long answers in blocks. */
export function actionExchange(
  items: readonly MethodCall[],
  invocation: Invocation,
  limits: ExchangeLimits,
): Exchange<readonly ActionResult[]> {
  const [only] = items;
  const single = items.length === 1 && only !== undefined;
  const methods = items.map((item) => item.method);
  const parameters = items.map((item) => item.parameters ?? { type: 'null-data' as const });
  const short: Apdu = single
    ? { apdu: 'action-request-normal', ...invocation, method: only.method, parameters: only.parameters }
    : { apdu: 'action-request-with-list', ...invocation, methods, parameters };
  const answers = new BlockJoiner();
  const accept = (answer: Apdu): Step<readonly ActionResult[]> =>
    actionAnswer(answer, items.length, answers, invocation);
  if (!isTooLong(short, limits)) return { first: short, accept };
  if (!limits.blocks) throw sessionError('SESSION_TOO_LONG', `ACTION of ${items.length} methods`);
  const [parameter] = parameters;
  const cutter = new BlockCutter(
    single && parameter !== undefined ? dataToOctets(parameter) : valuesToOctets(parameters),
  );
  const firstBlock = cutter.next(blockDataBytes(limits.pduMaxBytes, headBytes(short, parameters.map(dataToOctets))));
  return {
    first: single
      ? { apdu: 'action-request-with-first-pblock', ...invocation, method: only.method, ...firstBlock }
      : { apdu: 'action-request-with-list-and-first-pblock', ...invocation, methods, ...firstBlock },
    accept(answer) {
      if (answer.apdu !== 'action-response-next-pblock') return accept(answer);
      if (answer.blockNumber !== cutter.current?.blockNumber) return IGNORE;
      const block = cutter.next(blockDataBytes(limits.pduMaxBytes));
      return { kind: 'send', apdu: { apdu: 'action-request-with-pblock', ...invocation, ...block } };
    },
  };
}

function actionAnswer(
  answer: Apdu,
  count: number,
  joiner: BlockJoiner,
  invocation: Invocation,
): Step<readonly ActionResult[]> {
  switch (answer.apdu) {
    case 'action-response-normal': {
      const { actionResult, returnParameters } = answer;
      if (count > 1 && actionResult === 0) throw unexpected(answer);
      return { kind: 'done', results: Array.from({ length: count }, () => ({ actionResult, returnParameters })) };
    }
    case 'action-response-with-list':
      return { kind: 'done', results: checked(answer.results, count) };
    case 'action-response-with-pblock': {
      if (!joiner.accept(answer)) return IGNORE;
      if (answer.lastBlock)
        return { kind: 'done', results: checked(actionResultsFromOctets(joiner.joined(), count > 1), count) };
      return {
        kind: 'send',
        apdu: { apdu: 'action-request-next-pblock', ...invocation, blockNumber: answer.blockNumber },
      };
    }
    default:
      throw unexpected(answer);
  }
}

/** The invocation of a request or an answer, or null for APDUs that carry none. */
export function invocationOf(apdu: Apdu): number | null {
  if (apdu.apdu === 'access-request' || apdu.apdu === 'access-response') return apdu.longInvokeId;
  return 'invokeId' in apdu ? apdu.invokeId : null;
}

/** Any thrown thing as the error that leaves this room; a programmer's mistake is thrown on. */
export function asError(error: unknown): DeltawattError {
  if (error instanceof DeltawattError) return error;
  throw error;
}

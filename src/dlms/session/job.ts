/** A request on its way: cut into exchanges that fit the association, its results put together in the order asked. */
import { assert, hasCode } from '../../base/errors.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import { encodeApdu } from '../xdlms/codec.ts';
import type { Invocation } from '../xdlms/service.ts';
import { type Association, agreed, requestMaxBytes } from './association.ts';
import { sessionError } from './errors.ts';
import type { Step } from './exchange.ts';
import { type ListSize, listLength } from './list-plan.ts';
import type { ItemExchange, ItemResult, Referencing } from './referencing.ts';
import type { MeterAnswer, MeterRequest } from './request.ts';

/** One queued or running request. */
export class Job {
  readonly #request: MeterRequest;
  readonly #referencing: Referencing;
  #results: ItemResult[] = [];
  #exchange: ItemExchange | null = null;
  /** Whether what is in flight only prepares the request. */
  #prepares = false;
  #last: Apdu | null = null;
  #answered = false;
  /** Items of the exchange in flight. */
  #asked = 0;

  constructor(
    readonly id: number,
    request: MeterRequest,
    referencing: Referencing,
  ) {
    assert(request.items.length > 0, 'a request asks for something');
    this.#request = request;
    this.#referencing = referencing;
  }

  /** Whether asking again does no harm, and what is in flight changes nothing. */
  get isRead(): boolean {
    const request = this.#request;
    if (this.#prepares) return true;
    if (request.service === 'access') return request.items.every(({ service }) => service === 'get');
    return request.service === 'get';
  }

  /** Whether it goes ahead of others, here and in the meter. */
  get isUrgent(): boolean {
    return this.#request.highPriority !== false;
  }

  /** Whether anything of the answer has come. */
  get isAnswered(): boolean {
    return this.#answered;
  }

  /** Whether every item has its result. */
  get isDone(): boolean {
    return this.#results.length >= this.#request.items.length;
  }

  /** The APDU sent last. */
  get last(): Apdu {
    assert(this.#last !== null, 'the job was begun');
    return this.#last;
  }

  /**
   * The first APDU of the next exchange: what prepares the items left, or else as many of them as fit. Null when nothing
   * need be asked any more: the job is then done. Throws SESSION_TOO_LONG, SESSION_NOT_AGREED, SESSION_METHOD_NAME.
   */
  begin(association: Association, invokeId: number, lists: ListSize): Apdu | null {
    const invocation: Invocation = { invokeId, confirmed: true, highPriority: this.isUrgent };
    const request = this.#request;
    if (request.service === 'access' && !agreed(association, 'access'))
      throw sessionError('SESSION_NOT_AGREED', 'ACCESS');
    if (request.service === 'access' && request.breakOnError === true) return this.#whole(invocation, association);
    while (!this.isDone) {
      let count = this.#listLength(association, lists.itemsMax);
      const preparation = this.#referencing.preparation(this.#next(count), association);
      this.#prepares = preparation !== null;
      if (preparation !== null) return this.#start(preparation, count);
      for (;;) {
        const exchange = this.#tryExchange(count, invocation, association);
        if (exchange !== null && 'first' in exchange) return this.#start(exchange, count);
        if (exchange !== null) {
          this.#results.push(...exchange);
          break;
        }
        count = Math.ceil(count / 2);
      }
    }
    return null;
  }

  #start(exchange: ItemExchange, count: number): Apdu {
    this.#asked = count;
    this.#exchange = exchange;
    this.#last = exchange.first;
    return exchange.first;
  }

  /** What remains of the request, at most `count` items. */
  #next(count: number): MeterRequest {
    const from = this.#results.length;
    return { ...this.#request, items: this.#request.items.slice(from, from + count) } as MeterRequest;
  }

  #listLength(association: Association, itemsMax: number): number {
    const request = this.#request;
    const done = this.#results.length;
    if (request.service === 'get') return listLength(request.items.slice(done), association, itemsMax);
    const isList = request.service === 'access' || agreed(association, 'multiple-references');
    return isList ? Math.min(request.items.length - done, itemsMax) : 1;
  }

  /** The list in flight was refused whole: true when it may be asked again in shorter ones, which only a read may. */
  shorten(lists: ListSize): boolean {
    return this.isRead && lists.refused(this.#asked) !== null;
  }

  /** What must not be cut, because a refusal ends it. */
  #whole(invocation: Invocation, association: Association): Apdu {
    const count = this.#request.items.length;
    const exchange = this.#referencing.exchange(this.#request, invocation, association);
    if (!('first' in exchange)) throw sessionError('SESSION_STATE', 'nothing to ask');
    if (isLonger(exchange.first, requestMaxBytes(association)))
      throw sessionError('SESSION_TOO_LONG', `ACCESS to ${count} items that stops at an error`);
    return this.#start(exchange, count);
  }

  /** The exchange for `count` items or its results, or null when fewer should be tried. */
  #tryExchange(
    count: number,
    invocation: Invocation,
    association: Association,
  ): ItemExchange | readonly ItemResult[] | null {
    try {
      const exchange = this.#referencing.exchange(this.#next(count), invocation, association);
      const isLong = 'first' in exchange && isLonger(exchange.first, association.serverPduMaxBytes);
      return count > 1 && isLong ? null : exchange;
    } catch (error) {
      if (count > 1 && hasCode(error, 'SESSION_TOO_LONG')) return null;
      throw error;
    }
  }

  /** Takes an answer to the exchange in flight. */
  accept(answer: Apdu): Step<readonly ItemResult[]> {
    assert(this.#exchange !== null, 'the job was begun');
    const step = this.#exchange.accept(answer);
    if (step.kind !== 'ignore') this.#answered = true;
    if (step.kind === 'send') this.#last = step.apdu;
    if (step.kind === 'done') this.#results.push(...step.results);
    return step;
  }

  /** The whole answer; only when done. */
  answer(): MeterAnswer {
    assert(this.isDone, 'every item has its result');
    return { service: this.#request.service, results: this.#results } as MeterAnswer;
  }
}

/** Whether an APDU is longer than this, 0 = no limit. */
function isLonger(apdu: Apdu, maxBytes: number): boolean {
  return maxBytes > 0 && encodeApdu(apdu).length > maxBytes;
}

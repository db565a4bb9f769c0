/** A request on its way: cut into exchanges that fit the association, its results put together in the order asked. */
import { assert, hasCode } from '../../base/errors.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import { encodeApdu } from '../xdlms/codec.ts';
import type { ActionResult, GetDataResult, Invocation } from '../xdlms/service.ts';
import { accessExchange } from './access-exchange.ts';
import { type Association, agreed } from './association.ts';
import { sessionError } from './errors.ts';
import { actionExchange, type Exchange, type ExchangeLimits, getExchange, type Step, setExchange } from './exchange.ts';
import { type ListSize, listLength } from './list-plan.ts';
import type { AccessResult, MeterAnswer, MeterRequest } from './request.ts';

type Result = GetDataResult | number | ActionResult | AccessResult;

/** One queued or running request. */
export class Job {
  readonly #request: MeterRequest;
  #results: Result[] = [];
  #exchange: Exchange<readonly Result[]> | null = null;
  #last: Apdu | null = null;
  /** Items of the exchange in flight. */
  #asked = 0;

  constructor(
    readonly id: number,
    request: MeterRequest,
  ) {
    assert(request.items.length > 0, 'a request asks for something');
    this.#request = request;
  }

  /** Whether asking again does no harm. */
  get isRead(): boolean {
    const request = this.#request;
    if (request.service === 'access') return request.items.every(({ service }) => service === 'get');
    return request.service === 'get';
  }

  /** Whether it goes ahead of others, here and in the meter. */
  get isUrgent(): boolean {
    return this.#request.highPriority !== false;
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

  /** The first APDU of the next exchange: as many of the items left as fit. Throws SESSION_TOO_LONG, SESSION_NOT_AGREED. */
  begin(association: Association, invokeId: number, lists: ListSize): Apdu {
    const invocation: Invocation = { invokeId, confirmed: true, highPriority: this.isUrgent };
    const request = this.#request;
    if (request.service === 'access' && !agreed(association, 'access'))
      throw sessionError('SESSION_NOT_AGREED', 'ACCESS');
    if (request.service === 'access' && request.breakOnError === true) return this.#whole(invocation, association);
    let count = this.#listLength(association, lists.itemsMax);
    for (;;) {
      const first = this.#tryExchange(count, invocation, association);
      if (first !== null) {
        this.#asked = count;
        return first;
      }
      count = Math.ceil(count / 2);
    }
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
    this.#exchange = this.#exchangeOf(count, invocation, association);
    this.#last = this.#exchange.first;
    const isLong = encodeApdu(this.#last).length > longestOf(association);
    if (isLong) throw sessionError('SESSION_TOO_LONG', `ACCESS to ${count} items that stops at an error`);
    return this.#last;
  }

  /** The first APDU for `count` items, or null when fewer should be tried. */
  #tryExchange(count: number, invocation: Invocation, association: Association): Apdu | null {
    try {
      this.#exchange = this.#exchangeOf(count, invocation, association);
    } catch (error) {
      if (count > 1 && hasCode(error, 'SESSION_TOO_LONG')) return null;
      throw error;
    }
    this.#last = this.#exchange.first;
    const { serverPduMaxBytes } = association;
    const fits = count === 1 || serverPduMaxBytes === 0 || encodeApdu(this.#last).length <= serverPduMaxBytes;
    return fits ? this.#last : null;
  }

  #exchangeOf(count: number, invocation: Invocation, association: Association): Exchange<readonly Result[]> {
    const from = this.#results.length;
    const to = from + count;
    const longest = longestOf(association);
    const pduMaxBytes = Number.isFinite(longest) ? longest : 0;
    const limits = (blocks: 'block-transfer-with-set-or-write' | 'block-transfer-with-action'): ExchangeLimits => ({
      pduMaxBytes,
      blocks: agreed(association, blocks),
    });
    switch (this.#request.service) {
      case 'get':
        return getExchange(this.#request.items.slice(from, to), invocation);
      case 'set':
        return setExchange(this.#request.items.slice(from, to), invocation, limits('block-transfer-with-set-or-write'));
      case 'action':
        return actionExchange(this.#request.items.slice(from, to), invocation, limits('block-transfer-with-action'));
      case 'access':
        return accessExchange(this.#request.items.slice(from, to), invocation, this.#request.breakOnError === true);
    }
  }

  /** Takes an answer to the exchange in flight. */
  accept(answer: Apdu): Step<readonly Result[]> {
    assert(this.#exchange !== null, 'the job was begun');
    const step = this.#exchange.accept(answer);
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

/** Longest request that needs no blocks of its own: any, when there are general ones. */
function longestOf(association: Association): number {
  const { serverPduMaxBytes } = association;
  const isAny = serverPduMaxBytes === 0 || agreed(association, 'general-block-transfer');
  return isAny ? Number.POSITIVE_INFINITY : serverPduMaxBytes;
}

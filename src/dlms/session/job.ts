/** A request on its way: cut into exchanges that fit the association, its results put together in the order asked. */
import { assert, hasCode } from '../../base/errors.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import { encodeApdu } from '../xdlms/codec.ts';
import type { ActionResult, GetDataResult, Invocation } from '../xdlms/service.ts';
import { type Association, agreed } from './association.ts';
import { actionExchange, type Exchange, type ExchangeLimits, getExchange, type Step, setExchange } from './exchange.ts';
import { type ListSize, listLength } from './list-plan.ts';
import type { MeterAnswer, MeterRequest } from './request.ts';

type Result = GetDataResult | number | ActionResult;

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
    return this.#request.service === 'get';
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

  /** The first APDU of the next exchange: as many of the items left as fit. Throws SESSION_TOO_LONG. */
  begin(association: Association, invokeId: number, lists: ListSize): Apdu {
    const invocation: Invocation = { invokeId, confirmed: true, highPriority: true };
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
    const done = this.#results.length;
    if (this.#request.service === 'get') return listLength(this.#request.items.slice(done), association, itemsMax);
    return agreed(association, 'multiple-references') ? Math.min(this.#request.items.length - done, itemsMax) : 1;
  }

  /** The list in flight was refused whole: true when it may be asked again in shorter ones, which only a read may. */
  shorten(lists: ListSize): boolean {
    return this.isRead && lists.refused(this.#asked) !== null;
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
    const limits = (blocks: 'block-transfer-with-set-or-write' | 'block-transfer-with-action'): ExchangeLimits => ({
      pduMaxBytes: association.serverPduMaxBytes,
      blocks: agreed(association, blocks),
    });
    switch (this.#request.service) {
      case 'get':
        return getExchange(this.#request.items.slice(from, to), invocation);
      case 'set':
        return setExchange(this.#request.items.slice(from, to), invocation, limits('block-transfer-with-set-or-write'));
      case 'action':
        return actionExchange(this.#request.items.slice(from, to), invocation, limits('block-transfer-with-action'));
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

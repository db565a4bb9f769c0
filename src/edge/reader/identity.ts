/**
 * Whether the meter that answers is the one that is meant: the logical device name, which every logical device has, goes with
 * the first list of each association and costs octets, no round trip.
 *
 * The name that a meter told first is kept, unless the settings say it; another one means that the meter was exchanged, that
 * an address went to somebody else, or that two meters have it. Nothing is read or ordered then. A meter that does not tell
 * its name is read and counted.
 */
import { toHex } from '../../base/bytes.ts';
import type { Data } from '../../dlms/axdr/data.ts';
import type { GetDataResult } from '../../dlms/xdlms/service.ts';
import type { MeterId } from '../../model/ids.ts';
import { plainRequest } from '../../profile/plan.ts';
import { edgeError } from '../errors.ts';
import type { Entry, Health, Journal, Meter } from '../ports.ts';
import { accessOf, dataOf } from './answers.ts';
import type { OpenAssociation } from './sessions.ts';

const PREFIX = 'identity/';
/** Logical device name (Blue Book, clause 4.4.2): class 1, attribute 2. */
const NAME = accessOf(plainRequest(1, '0-0:42.0.0', 2));

/** Where names are kept. */
export interface IdentityStore {
  readonly journal: Pick<Journal, 'kept'>;
  readonly health: Pick<Health, 'count'>;
  /** Stores a name with what else is stored. */
  readonly keep: (keep: Entry['keep']) => Promise<void>;
}

/** The meters of one line, by name. */
export class Identities {
  readonly #names = new Map<MeterId, string>();
  /** Meters in whose place another one answered since they did themselves. */
  readonly #strangers = new Set<MeterId>();
  readonly #looked = new WeakMap<OpenAssociation, OpenAssociation>();

  constructor(private readonly store: IdentityStore) {}

  /** Reads what was told before the restart. */
  async load(meterIds: readonly MeterId[]): Promise<void> {
    for (const meterId of meterIds) {
      const octets = await this.store.journal.kept(PREFIX + meterId);
      if (octets !== undefined) this.#names.set(meterId, new TextDecoder().decode(octets));
    }
  }

  /** The association, which asks for the name before or with the first thing that is asked of it. */
  looking(meter: Meter, association: OpenAssociation): OpenAssociation {
    const known = this.#looked.get(association) ?? new Looking(association, (result) => this.#judge(meter, result));
    this.#looked.set(association, known);
    return known;
  }

  /** Rejects with READER_OTHER_METER, or READER_TWO_METERS when both were heard in turn. */
  async #judge({ meterId, deviceName }: Meter, result: GetDataResult | undefined): Promise<void> {
    const told = nameIn(dataOf(result));
    if (told === null) {
      this.store.health.count('reader_identity_untold');
      return;
    }
    const known = deviceName ?? this.#names.get(meterId);
    if (known !== undefined && known !== told) {
      this.#strangers.add(meterId);
      throw edgeError('READER_OTHER_METER', `it calls itself ${told}, and ${known} is meant`);
    }
    // Once the right one answers where another one did, neither can be told from the other by its address.
    if (this.#strangers.delete(meterId))
      throw edgeError('READER_TWO_METERS', `${told} answers now, another one did before`);
    if (this.#names.get(meterId) === told) return;
    this.#names.set(meterId, told);
    await this.store.keep([{ key: PREFIX + meterId, value: new TextEncoder().encode(told) }]);
  }
}

/** An association with a look at the name before anything else is believed. */
class Looking implements OpenAssociation {
  #isKnown = false;

  constructor(
    private readonly inner: OpenAssociation,
    private readonly judge: (result: GetDataResult | undefined) => Promise<void>,
  ) {}

  get association(): OpenAssociation['association'] {
    return this.inner.association;
  }

  async get(...[items, ...rest]: Parameters<OpenAssociation['get']>): ReturnType<OpenAssociation['get']> {
    if (this.#isKnown) return await this.inner.get(items, ...rest);
    const [name, ...results] = await this.inner.get([NAME, ...items], ...rest);
    await this.#look(name);
    return results;
  }

  async set(...request: Parameters<OpenAssociation['set']>): ReturnType<OpenAssociation['set']> {
    await this.#ask();
    return await this.inner.set(...request);
  }

  async action(...request: Parameters<OpenAssociation['action']>): ReturnType<OpenAssociation['action']> {
    await this.#ask();
    return await this.inner.action(...request);
  }

  release(): ReturnType<OpenAssociation['release']> {
    return this.inner.release();
  }

  async #ask(): Promise<void> {
    if (!this.#isKnown) await this.#look((await this.inner.get([NAME]))[0]);
  }

  async #look(result: GetDataResult | undefined): Promise<void> {
    await this.judge(result);
    this.#isKnown = true;
  }
}

/** A name as text where it is one, else in hex; null = none. */
function nameIn(data: Data | null): string | null {
  if (data === null) return null;
  switch (data.type) {
    case 'octet-string':
      return data.value.length === 0 ? null : textOf(data.value);
    case 'visible-string':
    case 'utf8-string':
      return data.value === '' ? null : data.value;
    default:
      return null;
  }
}

function textOf(octets: Uint8Array): string {
  return octets.every((octet) => octet >= 0x20 && octet < 0x7f) ? String.fromCharCode(...octets) : toHex(octets);
}

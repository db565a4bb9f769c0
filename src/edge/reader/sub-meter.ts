/**
 * A meter behind a meter: it is read in the association with the electricity meter on whose M-Bus it hangs, through the
 * channel in which it hangs at that moment.
 *
 * Before each job the channel is asked who hangs there. What an exchanged meter counted is never put down to the one that was
 * there before, and the other way round: the buffer of a channel goes on over an exchange, so rows from before the moment
 * at which the meter was first seen there are of nobody who is known, and are left out. Whoever knows since when it hangs
 * there says so in the settings (`installedAt`), and gets the rows from then on. Given up: rows of the old meter between its last
 * reading and the exchange.
 *
 * One kept value a meter, JSON `{channel, sinceMs, status, isGone}`; one that cannot be read counts as none.
 */

import type { GetDataResult } from '../../dlms/xdlms/service.ts';
import { identityText, isIdentity } from '../../mbus/identity.ts';
import { MBUS_STATUS_BITS } from '../../mbus/status.ts';
import type { EventSeverity, MeterEvent } from '../../model/event.ts';
import { clockRequest } from '../../profile/plan.ts';
import { registerTime } from '../../profile/register-readout.ts';
import type { MbusRule } from '../../profile/schema/profile.ts';
import {
  type ChannelSight,
  channelRequests,
  channelSight,
  columnsInChannel,
  inChannel,
  wrongUnits,
} from '../../profile/sub-meter.ts';
import { entryWith } from '../entry.ts';
import { edgeError } from '../errors.ts';
import type { Behind, Journal, Meter, ReadingStage } from '../ports.ts';
import { accessOf, dataOf } from './answers.ts';
import type { OpenAssociation } from './sessions.ts';

const PREFIX = 'sub-meter/';
const CLOCK_OBIS = '0-0:1.0.0*255';
const PROFILE_GENERIC = 7;
const CAPTURE_OBJECTS = 3;

/** Codes and names in the edge's own log. */
const FOUND = { code: 6, name: 'sub-meter-found' } as const;
const EXCHANGED = { code: 7, name: 'sub-meter-exchanged' } as const;
const MISSING = { code: 8, name: 'sub-meter-missing' } as const;
const STATUS_SET = { code: 9, name: 'sub-meter-status' } as const;
const STATUS_CLEARED = { code: 10, name: 'sub-meter-status-cleared' } as const;

/** Where the meter was seen last. */
interface Place {
  readonly channel: number;
  /** Rows up to this moment are not known to be its own, UTC ms by the clock that stamps them. */
  readonly sinceMs: number;
  readonly status: number;
  /** It was looked for and not found since. */
  readonly isGone: boolean;
}

/** What a door works with. */
export interface SubMeterOptions {
  readonly meter: Meter;
  readonly behind: Behind;
  readonly line: string;
  readonly journal: Pick<Journal, 'kept'>;
  readonly stage: Pick<ReadingStage, 'add'>;
  readonly wallMs: () => number;
}

/** The way to one meter behind another. */
export class SubMeterDoor {
  readonly #options: SubMeterOptions;
  readonly #rule: MbusRule;
  /** By association, so that what is remembered of one holds for its channel. */
  readonly #opened = new WeakMap<OpenAssociation, ChannelAssociation>();
  #place: Place | null = null;
  /** It was told that it is in no channel. */
  #isMissed = false;

  constructor(options: SubMeterOptions, rule: MbusRule) {
    this.#options = options;
    this.#rule = rule;
  }

  /** Rows up to this moment are not its own, UTC ms; null = it was not seen yet. */
  get sinceMs(): number | null {
    return this.#place?.sinceMs ?? null;
  }

  /** Reads where it was before the restart. */
  async load(): Promise<void> {
    this.#place = placeIn(await this.#options.journal.kept(PREFIX + this.#options.meter.meterId));
    this.#isMissed = this.#place?.isGone ?? false;
  }

  /**
   * The association with its host, seen from its channel, after a look at who hangs there. Rejects with READER_SUB_METER_GONE,
   * READER_WRONG_UNIT, and whatever keeps answers away.
   */
  async enter(host: OpenAssociation): Promise<OpenAssociation> {
    const channel = await this.#channelOf(host);
    const known = this.#opened.get(host);
    if (known?.channel === channel) return known;
    const opened = new ChannelAssociation(host, channel);
    this.#opened.set(host, opened);
    return opened;
  }

  async #channelOf(host: OpenAssociation): Promise<number> {
    const { identity: wanted } = this.#options.behind;
    const last = this.#place;
    const others: string[] = [];
    const channels = Array.from({ length: this.#rule.channels }, (_, at) => at + 1);
    if (last !== null) channels.sort((a, b) => Number(b === last.channel) - Number(a === last.channel));
    for (const channel of channels) {
      const sight = await this.#look(host, channel);
      if (sight === null) continue;
      if (isIdentity(sight.identity, wanted)) {
        await this.#seen(host, channel, sight);
        return channel;
      }
      others.push(`channel ${channel}: ${identityText(sight.identity)}`);
    }
    return await this.#missed(others);
  }

  /** Who hangs in a channel; throws READER_WRONG_UNIT when it is the meter, and counts in other units. */
  async #look(host: OpenAssociation, channel: number): Promise<ChannelSight | null> {
    const { meter, behind } = this.#options;
    const answers = (await host.get(channelRequests(meter.profile, channel).map(accessOf))).map(dataOf);
    const sight = channelSight(this.#rule, answers);
    if (sight === null || !isIdentity(sight.identity, behind.identity)) return sight;
    const wrong = wrongUnits(meter.profile, answers);
    if (wrong.length > 0) throw edgeError('READER_WRONG_UNIT', wrong.join('; '));
    return sight;
  }

  async #seen(host: OpenAssociation, channel: number, sight: ChannelSight): Promise<void> {
    const last = this.#place;
    const status = sight.status ?? last?.status ?? 0;
    if (last !== null && last.channel === channel) {
      if (last.status === status && !last.isGone) return;
      // It was away: what the channel counted meanwhile is not its own.
      const sinceMs = last.isGone ? await this.#hostTimeMs(host) : last.sinceMs;
      const found = last.isGone ? [this.#foundEvent(channel, sight)] : [];
      await this.#note({ ...last, sinceMs, status, isGone: false }, [
        ...found,
        ...this.#statusEvents(last.status, status),
      ]);
      return;
    }
    const { installedAtMs } = this.#options.behind;
    const sinceMs = (last === null ? installedAtMs : null) ?? (await this.#hostTimeMs(host));
    const events = [this.#foundEvent(channel, sight), ...this.#statusEvents(last?.status ?? 0, status)];
    await this.#note({ channel, sinceMs, status, isGone: false }, events);
  }

  /** It is in no channel: told once, and again after it was found. */
  async #missed(others: readonly string[]): Promise<never> {
    const { behind } = this.#options;
    const there = others.length === 0 ? 'no channel has a meter' : others.join(', ');
    const detail = `${behind.identity} behind ${behind.host.meterId}; ${there}`;
    if (!this.#isMissed) {
      const last = this.#place;
      const isExchanged = last !== null && others.some((other) => other.startsWith(`channel ${last.channel}:`));
      const sentence = isExchanged
        ? `Another meter hangs in channel ${last.channel} of ${behind.host.meterId}, where ${behind.identity} was (${there}). Nothing of it is stored for this meter.`
        : `Meter ${behind.identity} hangs in no channel of ${behind.host.meterId} (${there}).`;
      const event = this.#event(isExchanged ? EXCHANGED : MISSING, sentence, 'alarm');
      await this.#note(last === null ? null : { ...last, isGone: true }, [event]);
    }
    throw edgeError('READER_SUB_METER_GONE', detail);
  }

  /** The time of the host's clock, which stamps the rows of its channels. */
  async #hostTimeMs(host: OpenAssociation): Promise<number> {
    const { behind, meter, wallMs } = this.#options;
    const { profile, timeZone } = behind.host;
    const [clock] = await host.get([accessOf(clockRequest(profile.clock.obis ?? CLOCK_OBIS))]);
    return registerTime(profile, dataOf(clock), { meterId: meter.meterId, timeZone, nowMs: wallMs() }).atMs;
  }

  /** Stores a place with what is to be told of it; what is remembered changes only with it. */
  async #note(place: Place | null, events: readonly MeterEvent[]): Promise<void> {
    const { meter, line, stage, wallMs } = this.#options;
    const value = new TextEncoder().encode(JSON.stringify(place));
    const records = events.map((event) => ({ kind: 'event', event }) as const);
    const keep = place === null ? [] : [{ key: PREFIX + meter.meterId, value }];
    await stage.add(entryWith(wallMs(), { line, records, keep }));
    this.#place = place;
    this.#isMissed = place?.isGone ?? true;
  }

  #foundEvent(channel: number, { identity }: ChannelSight): MeterEvent {
    const { host } = this.#options.behind;
    return this.#event(FOUND, `${identityText(identity)} hangs in channel ${channel} of ${host.meterId}.`, 'info');
  }

  #statusEvents(before: number, now: number): readonly MeterEvent[] {
    return MBUS_STATUS_BITS.flatMap(({ mask, sentence }) => {
      if ((before & mask) === (now & mask)) return [];
      if ((now & mask) !== 0) return [this.#event(STATUS_SET, sentence, 'warning')];
      return [this.#event(STATUS_CLEARED, `No more: ${sentence}`, 'info')];
    });
  }

  #event(
    what: { readonly code: number; readonly name: string },
    sentence: string,
    severity: EventSeverity,
  ): MeterEvent {
    const { meter, wallMs } = this.#options;
    return { meterId: meter.meterId, log: 'edge', ...what, sentence, atMs: wallMs(), severity };
  }
}

/** An association with a meter, seen from one channel of its M-Bus: what lies in channel 1 for who asks is that channel. */
class ChannelAssociation implements OpenAssociation {
  readonly #host: OpenAssociation;

  constructor(
    host: OpenAssociation,
    readonly channel: number,
  ) {
    this.#host = host;
  }

  get association() {
    return this.#host.association;
  }

  get: OpenAssociation['get'] = async (items, options) => {
    const placed = items.map((item) => ({ ...item, instanceId: inChannel(item.instanceId, this.channel) }));
    const results = await this.#host.get(placed, options);
    return results.map((result, at): GetDataResult => {
      const item = items[at];
      const isColumns = item?.classId === PROFILE_GENERIC && item.attributeId === CAPTURE_OBJECTS;
      return isColumns && 'data' in result ? { data: columnsInChannel(result.data, this.channel) } : result;
    });
  };

  set: OpenAssociation['set'] = (items, options) =>
    this.#host.set(
      items.map((item) => ({
        ...item,
        attribute: { ...item.attribute, instanceId: inChannel(item.attribute.instanceId, this.channel) },
      })),
      options,
    );

  action: OpenAssociation['action'] = (items, options) =>
    this.#host.action(
      items.map((item) => ({
        ...item,
        method: { ...item.method, instanceId: inChannel(item.method.instanceId, this.channel) },
      })),
      options,
    );

  release(): Promise<void> {
    return this.#host.release();
  }
}

function placeIn(octets: Uint8Array | undefined): Place | null {
  if (octets === undefined) return null;
  try {
    const { channel, sinceMs, status, isGone } = JSON.parse(new TextDecoder().decode(octets)) as Record<
      string,
      unknown
    >;
    if (typeof channel !== 'number' || typeof sinceMs !== 'number' || typeof status !== 'number') return null;
    return { channel, sinceMs, status, isGone: isGone === true };
  } catch {
    return null;
  }
}

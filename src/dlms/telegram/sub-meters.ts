/**
 * Whose value is what in a telegram: the objects `0-n:...` of channels 1 and up are those of a sub-meter on M-Bus, which is
 * known by its equipment identifier. Channels are given out as meters are installed, so a sub-meter's own profile has its
 * objects in channel 1, wherever it hangs.
 */
import type { Data } from '../axdr/data.ts';
import { type ObisCode, obisGroups, obisOf } from '../cosem/obis.ts';
import type { Telegram, TelegramValue } from './telegram.ts';

/** 0-n:96.1.0; in Belgium 0-n:96.1.1. */
const EQUIPMENT_ID = { c: 96, d: 1, e: [0, 1] };
const OWN_CHANNEL = 1;

/** The values of each of the sub-meters that are `known`, by their identifiers, and under null all others as they are. */
export function partsOfTelegram(
  { values }: Telegram,
  known: readonly string[],
): ReadonlyMap<string | null, readonly TelegramValue[]> {
  const idOfChannel = new Map<number, string>();
  for (const { obis, value } of values) {
    const { c, d, e } = obisGroups(obis);
    const channel = channelOf(obis);
    if (channel === 0 || c !== EQUIPMENT_ID.c || d !== EQUIPMENT_ID.d || !EQUIPMENT_ID.e.includes(e)) continue;
    const id = textOf(value);
    if (known.includes(id)) idOfChannel.set(channel, id);
  }
  const parts = new Map<string | null, TelegramValue[]>([[null, []]]);
  for (const value of values) {
    const id = idOfChannel.get(channelOf(value.obis)) ?? null;
    const part = parts.get(id) ?? [];
    part.push(id === null ? value : { ...value, obis: inOwnChannel(value.obis) });
    parts.set(id, part);
  }
  return parts;
}

/** The channel of a sub-meter's object, 0 = it is none. */
function channelOf(obis: ObisCode): number {
  const { a, b } = obisGroups(obis);
  return a === 0 ? b : 0;
}

function inOwnChannel(obis: ObisCode): ObisCode {
  const { a, c, d, e, f } = obisGroups(obis);
  return obisOf(a, OWN_CHANNEL, c, d, e, f);
}

function textOf(value: Data): string {
  if (value.type === 'octet-string') return String.fromCharCode(...value.value);
  return value.type === 'visible-string' ? value.value : '';
}

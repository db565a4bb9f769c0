/**
 * What a telegram says, whatever it is written in, and the same as the body of a notification: a structure for each value of
 * OBIS code, value, scaler and unit, then the time of capture and the status where the value has them.
 */
import type { Data } from '../axdr/data.ts';
import { type ObisCode, obisToOctets } from '../cosem/obis.ts';
import { type ScalerUnit, scalerUnitData } from '../cosem/units.ts';

/** A value of a telegram. */
export interface TelegramValue {
  readonly obis: ObisCode;
  readonly value: Data;
  /** null = the telegram does not say it, as for texts. */
  readonly scalerUnit: ScalerUnit | null;
  /** 12 octets of date and time, null = captured when the telegram was made. */
  readonly capturedAt: Uint8Array | null;
  /** Octets of the status that it was told with, most significant first; absent = none. */
  readonly status?: Uint8Array;
}

/** A telegram. */
export interface Telegram {
  /** When it was made, 12 octets of date and time; empty = it does not say. */
  readonly dateTime: Uint8Array;
  readonly values: readonly TelegramValue[];
}

const NULL_DATA: Data = { type: 'null-data' };

/** The body of a notification that says the same. */
export function telegramBody(values: readonly TelegramValue[]): Data {
  return {
    type: 'structure',
    value: values.map(({ obis, value, scalerUnit, capturedAt, status }) => ({
      type: 'structure',
      value: [
        { type: 'octet-string', value: obisToOctets(obis) },
        value,
        scalerUnit === null ? NULL_DATA : scalerUnitData(scalerUnit),
        ...(capturedAt === null
          ? status === undefined
            ? []
            : [NULL_DATA]
          : [{ type: 'octet-string', value: capturedAt } as const]),
        ...(status === undefined ? [] : [{ type: 'octet-string', value: status } as const]),
      ],
    })),
  };
}

/** Image transfer (class 18) of a simulated meter. */

import type { Data } from '../../../dlms/axdr/data.ts';
import { parseObis } from '../../../dlms/cosem/obis.ts';
import {
  blocksStatusData,
  IMAGE_CLASS,
  IMAGE_METHOD,
  imageInfoData,
  numberAndOctets,
  wholeNumber,
} from '../../../dlms/image/image-object.ts';
import { IMAGE_MAX_OCTETS } from '../../../dlms/image/limits.ts';
import { RESULT } from '../../../dlms/session/object-model.ts';
import type { Firmware } from '../firmware.ts';
import { type SimObject, simObject } from './object.ts';

/** The object at `obis`. */
export function imageObject(firmware: Firmware, obis: string): SimObject {
  return simObject({
    classId: IMAGE_CLASS,
    version: 0,
    obis: parseObis(obis),
    writable: [2, 5],
    methods: [1, 2, 3, 4],
    values: {
      2: () => ({ type: 'double-long-unsigned', value: firmware.blockOctets }),
      3: () => (firmware.blocksThere === null ? RESULT.objectUnavailable : blocksStatusData(firmware.blocksThere)),
      4: () => ({ type: 'double-long-unsigned', value: firmware.firstNotTransferred }),
      5: () => ({ type: 'boolean', value: firmware.enabled }),
      6: () => ({ type: 'enum', value: firmware.lookAtStatus() }),
      7: () => imageInfoData(firmware.toActivate === null ? [] : [firmware.toActivate]),
    },
    write: (attribute, value) => written(firmware, attribute, value),
    invoke: (method, parameters) => invoked(firmware, method, parameters),
  });
}

function written(firmware: Firmware, attribute: number, value: Data): number {
  if (attribute === 5) return value.type === 'boolean' ? firmware.enable(value.value) : RESULT.typeUnmatched;
  const octets = wholeNumber(value);
  return octets === null ? RESULT.typeUnmatched : firmware.resize(octets);
}

function invoked(firmware: Firmware, method: number, parameters: Data | null): number {
  if (method === IMAGE_METHOD.verify) return firmware.verify();
  if (method === IMAGE_METHOD.activate) return firmware.activate();
  const argument = numberAndOctets(parameters);
  if (argument === null) return RESULT.typeUnmatched;
  const { number, octets } = argument;
  if (method === IMAGE_METHOD.blockTransfer) return firmware.takeBlock(number, octets);
  return number > IMAGE_MAX_OCTETS ? RESULT.otherReason : firmware.initiate(octets, number);
}

/**
 * Who a meter says that it is: logical device name, serial number, active firmware, as every client may read them (Blue Book,
 * clauses 4.4 and 6.2). A meter need not show them all.
 */
import type { Data } from '../axdr/data.ts';
import { parseObis } from '../cosem/obis.ts';
import type { AttributeAccess, GetDataResult } from '../xdlms/service.ts';

/** Address of the client that every meter lets in, to say who it is (Green Book, clause 4.2.4). */
export const PUBLIC_CLIENT = 16;

const DATA_CLASS = 1;
const VALUE = 2;

/** What is asked. */
export const WHO: readonly AttributeAccess[] = ['0-0:42.0.0*255', '0-0:96.1.0*255', '1-0:0.2.0*255'].map((obis) => ({
  classId: DATA_CLASS,
  instanceId: parseObis(obis),
  attributeId: VALUE,
  access: null,
}));

/** What a meter told; null = it does not. */
export interface ToldIdentity {
  /** COSEM logical device name: three letters of the maker, then his own. */
  readonly deviceName: string | null;
  readonly serial: string | null;
  readonly firmware: string | null;
}

/** The answers to {@link WHO}; what is no printable text counts as not told. */
export function identityIn([name, serial, firmware]: readonly GetDataResult[]): ToldIdentity {
  return { deviceName: textOf(name), serial: textOf(serial), firmware: textOf(firmware) };
}

function textOf(result: GetDataResult | undefined): string | null {
  const data: Data | null = result !== undefined && 'data' in result ? result.data : null;
  if (data === null) return null;
  if (data.type === 'visible-string' || data.type === 'utf8-string') return data.value;
  if (data.type !== 'octet-string' || data.value.length === 0) return null;
  return data.value.every((octet) => octet >= 0x20 && octet < 0x7f) ? new TextDecoder().decode(data.value) : null;
}

/** What a scan of a bus found, for people and for programs. */
import type { Json } from '../dlms/explain/json.ts';
import type { BusFinding, BusState } from './scan-bus.ts';

const STATES: readonly (readonly [BusState, string])[] = [
  ['found', 'found'],
  ['other', 'other meters than listed'],
  ['refused', 'do not let us in'],
  ['garbled', 'garbled'],
  ['silent', 'silent'],
];

/** A line for an address. */
export function busLine({ address, meterId, state, firmware, sentence }: BusFinding): string {
  const who = meterId === undefined ? '' : ` ${meterId}`;
  const runs = firmware === null ? '' : ` Firmware ${firmware}.`;
  return `${String(address).padStart(5)}${who}  ${state.padEnd(7)}  ${sentence}${runs}\n`;
}

/** How many addresses are in which state. */
export function busSummary(findings: readonly BusFinding[]): string {
  const counts = STATES.map(([state, words]) => `${findings.filter((each) => each.state === state).length} ${words}`);
  return `${findings.length} addresses: ${counts.join(', ')}.\n`;
}

/** The same as JSON. */
export function busJson(findings: readonly BusFinding[], problems: readonly string[]): Json {
  return {
    problems: [...problems],
    addresses: findings.map((finding) => ({
      address: finding.address,
      meterId: finding.meterId ?? null,
      listedSerial: finding.serial ?? null,
      state: finding.state,
      serial: finding.toldSerial,
      deviceName: finding.deviceName,
      firmware: finding.firmware,
      sentence: finding.sentence,
    })),
  };
}

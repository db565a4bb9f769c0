/** An acceptance report for paper: what was agreed on, what is there, and what is left to do, in words. */
import { isoText } from '../../base/time.ts';
import type { AcceptanceReport, AcceptedMeter } from '../commissioning-ports.ts';

/** The report as text, a line for each meter and each fault. */
export function acceptanceText(report: AcceptanceReport): string {
  const { edgeId, atMs, expected, found, read, isAccepted, meters, faults } = report;
  const open = meters.filter((meter) => meter.faults.length > 0);
  return [
    `Acceptance of concentrator ${edgeId}, ${isoText(atMs)}`,
    `${expected} meters expected, ${found} found, ${read} read: ${isAccepted ? 'accepted' : 'NOT accepted'}.`,
    '',
    ...meters.map(meterLine),
    ...(open.length + faults.length === 0 ? [] : ['', 'To do:']),
    ...open.flatMap((meter) => meter.faults.map((fault) => `- ${meter.meterId}: ${fault}`)),
    ...faults.map((fault) => `- ${fault}`),
    '',
  ].join('\n');
}

function meterLine(meter: AcceptedMeter): string {
  const { meterId, serial, line, address, isFound, firstReadingAtMs, quality } = meter;
  const place = [line, address].filter((part) => part !== undefined).join('/');
  const seen = isFound === null ? 'not looked for' : isFound ? 'found' : 'NOT FOUND';
  const first = firstReadingAtMs === undefined ? 'no reading' : `first reading ${isoText(firstReadingAtMs)}`;
  const who = serial === undefined ? meterId : `${meterId} (serial ${serial})`;
  return `${who}${place === '' ? '' : ` at ${place}`}: ${seen}, ${first}. ${quality}`;
}

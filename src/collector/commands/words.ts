/** What is said of a command that waits: one sentence for API, console and audit. */
import { isoText } from '../../base/time.ts';
import type { CommandRecord } from '../ports.ts';
import { NOT_REACHED_MS } from './limits.ts';

/** The sentence of a command that waits for its edge, or null when the record's own sentence stands. */
export function waitingWords(record: CommandRecord, nowMs: number): string | null {
  if (record.state !== 'stored' && record.state !== 'sent') return null;
  const expired = record.expiresAtMs <= nowMs;
  if (record.state === 'sent' && expired) {
    return `Concentrator ${record.edgeId} has not answered and the command's time has run out. If it got the command in time, its report follows when it calls again.`;
  }
  if (expired) return expiredWords(record);
  if (nowMs - record.createdAtMs < NOT_REACHED_MS) {
    return record.state === 'sent'
      ? `Handed over for concentrator ${record.edgeId}; waiting for its answer.`
      : `Stored; concentrator ${record.edgeId} is not connected. It is sent as soon as it calls.`;
  }
  const until = isoText(record.expiresAtMs);
  return record.state === 'sent'
    ? `Not reached within 15 s: concentrator ${record.edgeId} has not answered. It is sent again when it calls, until ${until}.`
    : `Not reached within 15 s: concentrator ${record.edgeId} is not connected. It is sent when it calls, until ${until}.`;
}

/** Said of a command whose time ran out before it left. */
export function expiredWords(record: CommandRecord): string {
  return `Expired: concentrator ${record.edgeId} did not call in time, so it was never sent and the meter was not touched.`;
}

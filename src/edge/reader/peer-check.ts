/** Whether keys of a meter that came out of certificates may still be used: they are good no longer than these. */
import type { Clock } from '../../base/env.ts';
import { checkPeer } from '../../dlms/index.ts';
import type { ClockQuality } from '../../wire/block.ts';
import type { MeterSecurity } from '../ports.ts';

/** The clock of a concentrator, which knows what its time is worth, or one that is right. */
type JudgedClock = Clock & { quality?(): ClockQuality };

/**
 * Throws SECURITY_CERTIFICATE when a certificate of the meter is not valid now or is for another one. A clock that knows no time
 * judges none: a concentrator that starts without network still reads its meters.
 */
export function checkPeerNow({ trust, meterTitle }: MeterSecurity, { clock }: { readonly clock: JudgedClock }): void {
  if (trust === undefined || meterTitle === null) return;
  checkPeer(trust, meterTitle, clock.quality?.() === 'unset' ? null : clock.nowMs());
}

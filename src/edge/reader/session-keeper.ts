/**
 * The one open association of a line: kept for the next job of the same meter, released politely before another meter is
 * called, when nobody needed it for a while, and after any failure (a meter left without goodbye stays silent until its
 * inactivity time is over).
 */
import type { Env, Timer } from '../../base/env.ts';
import type { Happening, RightOfWay } from '../../dlms/index.ts';
import type { MeterId } from '../../model/ids.ts';
import type { ClientRule, ClientUse } from '../../profile/schema/profile.ts';
import { edgeError } from '../errors.ts';
import { SESSION_IDLE_MAX_MS } from '../limits.ts';
import type { Meter } from '../ports.ts';
import { clientFor } from './client-for.ts';
import type { OpenAssociation, SessionEar, SessionOpener } from './sessions.ts';

interface Kept {
  readonly meterId: MeterId;
  readonly client: ClientRule;
  readonly association: OpenAssociation;
}

/** See the head of the file. */
export class SessionKeeper {
  #kept: Kept | null = null;
  #timer: Timer | null = null;
  #noiseOctets = 0;
  #restingSinceMs: number | null = null;
  #isAbandoned = false;
  #reused = false;

  constructor(
    private readonly env: Pick<Env, 'timers' | 'clock'>,
    private readonly opener: SessionOpener,
    private readonly counted: (code: string) => void,
    private readonly happened: (meter: Meter, happening: Happening | null) => void,
    /** Whether somebody waits for the line. */
    private readonly way: RightOfWay,
  ) {}

  /** Octets heard since {@link listenAnew} that could not be used. */
  get noiseOctets(): number {
    return this.#noiseOctets;
  }

  /** Whether the association in use had waited for this job: it may have died in silence, which says nothing of the meter. */
  get isReused(): boolean {
    return this.#reused;
  }

  /** A new job begins: what was heard before is not its noise. */
  listenAnew(): void {
    this.#noiseOctets = 0;
    this.#reused = false;
  }

  /** Gives up an association that waited longer than this: for work that cannot be tried twice. */
  async refresh(maxIdleMs: number): Promise<void> {
    if (this.#restingSinceMs === null) return;
    if (this.env.clock.monotonicMs() - this.#restingSinceMs <= maxIdleMs) return;
    // Somebody waits: a meter that does not answer the goodbye is not asked again.
    const wasWanted = this.way.isWanted;
    this.way.want(true);
    await this.drop();
    this.way.want(wasWanted);
  }

  /** The association with the meter, opened when there is none that serves this use. */
  async use(meter: Meter, use: ClientUse): Promise<OpenAssociation> {
    this.#timer?.cancel();
    const kept = this.#kept;
    if (kept?.meterId === meter.meterId && serves(meter, kept.client, use)) {
      if (this.#restingSinceMs !== null) this.#reused = true;
      this.#restingSinceMs = null;
      return kept.association;
    }
    await this.drop();
    const client = clientFor(meter, use);
    const ear: SessionEar = {
      discarded: (code, octets) => {
        this.#noiseOctets += octets;
        this.counted(code);
      },
      happened: (happening) => this.happened(meter, happening),
    };
    const association = await this.opener.open(meter, client, ear, this.way);
    this.#reused = false;
    this.#kept = { meterId: meter.meterId, client, association };
    return association;
  }

  /** An association that is not kept: whoever opens it releases it. Rejects with READER_SECURITY when there is none such. */
  async useOnce(open: (opener: SessionOpener) => Promise<OpenAssociation> | undefined): Promise<OpenAssociation> {
    await this.drop();
    const association = await open(this.opener);
    if (association === undefined) throw edgeError('READER_SECURITY', 'no such association on this line');
    return association;
  }

  /** The job is done: the association may wait for the next one. */
  rest(): void {
    this.#timer?.cancel();
    if (this.#kept === null || this.#isAbandoned) return;
    this.#restingSinceMs = this.env.clock.monotonicMs();
    this.#timer = this.env.timers.after(SESSION_IDLE_MAX_MS, () => void this.drop());
  }

  /** The line is closed without a goodbye: nothing rests here any more. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#timer?.cancel();
  }

  /** Ends the association, if there is one; never rejects. */
  async drop(): Promise<void> {
    this.#timer?.cancel();
    const kept = this.#kept;
    this.#kept = null;
    this.#restingSinceMs = null;
    if (kept !== null) await kept.association.release().catch(() => undefined);
  }
}

/** Whether an association as this client is good for a use; one without a client of its own is done by another. */
function serves(meter: Meter, client: ClientRule, use: ClientUse): boolean {
  return client.uses.includes(use) || (use === 'firmware' && client === clientFor(meter, use));
}

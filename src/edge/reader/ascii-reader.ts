/**
 * What is said to meters that speak nothing but ASCII (IEC 62056-21): registers come from the data message, rows of a load
 * profile from R5 in programming mode. Each job is a sign-on of its own, after which the meter is told to end.
 *
 * Where the settings say which number must answer, a meter with another one is an event, and nothing of it is stored; before a
 * load profile it is asked for its number, as its rows do not tell it.
 */
import type { SerialSettings } from '../../base/env.ts';
import { assert } from '../../base/errors.ts';
import { AsciiClient } from '../../dlms/ascii/client.machine.ts';
import { type AsciiProfilePart, parseAsciiProfile } from '../../dlms/ascii/load-profile.ts';
import { bareNumber, identitiesIn, parseReadOut } from '../../dlms/ascii/read-out.ts';
import type { AsciiCommand, AsciiEvent, AsciiTask } from '../../dlms/ascii/task.ts';
import type { SwitchedDuplex } from '../../link/link.ts';
import { asciiProfileCommand, readAsciiLines, readAsciiProfile } from '../../profile/ascii-readout.ts';
import { bufferRequests, type ReadJob } from '../../profile/plan.ts';
import { edgeError } from '../errors.ts';
import type { Meter } from '../ports.ts';
import { gapsOf } from './gaps.ts';
import type { PlainDesk, PlainWay } from './plain-way.ts';

type BufferJob = ReadJob & { readonly kind: 'buffer' };
type RegisterJob = ReadJob & { readonly kind: 'registers' };

const NUMBER_COMMAND = { name: 'R5', text: '0.0.0()' };

/** See the head of the file; one for each line. */
export class AsciiWay implements PlainWay {
  /** How far back a new meter is read, ms; null = as far as it keeps rows. */
  readonly #historyMs: number | null;
  /** The open line where its speed can be changed. */
  #port: SwitchedDuplex | null = null;
  #client: AsciiClient | null = null;

  constructor(historyMs: number | null) {
    this.#historyMs = historyMs;
  }

  async run(meter: Meter, job: ReadJob, desk: PlainDesk): Promise<boolean> {
    if (job.kind === 'registers') return await this.#registers(meter, job, desk);
    return job.kind === 'buffer' ? await this.#rows(meter, job, desk) : false;
  }

  async #registers(meter: Meter, job: RegisterJob, desk: PlainDesk): Promise<boolean> {
    const [text = ''] = await this.#ask({ kind: 'read-out', address: addressOf(meter) }, desk);
    const lines = parseReadOut(text);
    await mustBe(meter, identitiesIn(lines), desk);
    const context = desk.context(meter);
    const readout = readAsciiLines(meter.profile, job.registers, lines, context);
    desk.tell(meter, readout.problems);
    const mark = { meterId: meter.meterId, key: job.key, atMs: context.nowMs };
    await desk.put({ groups: readout.groups, watermarks: [mark] });
    return false;
  }

  async #rows(meter: Meter, job: BufferJob, desk: PlainDesk): Promise<boolean> {
    const { meterId, profile, timeZone } = meter;
    const context = desk.context(meter);
    const { nowMs } = context;
    const watermarkMs = desk.watermark(meterId, job.key);
    const backToMs = this.#historyMs === null ? null : nowMs - this.#historyMs;
    const requests = bufferRequests(profile, job.rule, { watermarkMs, backToMs, nowMs, timeZone });
    for (const [at, { asked = null }] of requests.entries()) {
      const parts = await this.#partsOf(meter, asciiProfileCommand(profile, job.rule, asked, timeZone), desk);
      const readout = readAsciiProfile(profile, job.rule, parts, { context, watermarkMs, asked });
      desk.tell(meter, readout.problems);
      if (readout.newestAtMs === null) continue;
      const gaps = gapsOf(meterId, job.rule, readout.groups, { watermarkMs, nowMs });
      const mark = { meterId, key: job.key, atMs: readout.newestAtMs, sinceMs: watermarkMs };
      const records = gaps.map((gap) => ({ kind: 'gap', gap }) as const);
      await desk.put({ groups: readout.groups, records, watermarks: [mark] });
      return at + 1 < requests.length;
    }
    return false;
  }

  /** The answer to a command, after the meter said who it is where that is known. */
  async #partsOf(meter: Meter, command: AsciiCommand, desk: PlainDesk): Promise<readonly AsciiProfilePart[]> {
    const isAnyone = meter.ascii?.identity === null;
    const commands = isAnyone ? [command] : [NUMBER_COMMAND, command];
    const password = meter.password === null ? null : new TextDecoder().decode(meter.password);
    const texts = await this.#ask({ kind: 'commands', address: addressOf(meter), password, commands }, desk);
    if (!isAnyone) await mustBe(meter, identitiesIn(parseReadOut(withCode(texts[0] ?? ''))), desk);
    return parseAsciiProfile(texts.at(-1) ?? '');
  }

  /** Runs one sign-on to its end. */
  async #ask(task: AsciiTask, desk: PlainDesk): Promise<readonly string[]> {
    const { link } = desk;
    const driver = await desk.line(async () => {
      this.#port = (await link.openSwitched?.()) ?? null;
      return this.#port ?? (await link.open());
    });
    this.#client ??= new AsciiClient({ ...link.ascii, gapMs: link.gapMs });
    const client = this.#client;
    return await new Promise((resolve, reject) => {
      const failed = (error: unknown) => {
        running.stop();
        desk.closeLine();
        reject(error);
      };
      const change = (settings: SerialSettings): void => {
        const changed = () => hear(client.changed(running.nowMs()));
        if (this.#port === null) changed();
        else
          this.#port.set(settings).then(() => {
            changed();
            running.kick();
          }, failed);
      };
      const hear = (events: readonly AsciiEvent[]): void => {
        for (const event of events) {
          if (event.kind === 'line') {
            change(event.settings);
            continue;
          }
          running.stop();
          if (event.kind === 'read') resolve(event.texts);
          else reject(event.error);
        }
      };
      const running = driver.run(client, hear, (reason) => failed(reason ?? new Error('the line ended')));
      client.start(task, running.nowMs());
      running.kick();
    });
  }
}

/** An answer with its code, where the meter leaves it out. */
function withCode(text: string): string {
  return text.startsWith('(') ? `0.0.0${text}` : text;
}

function addressOf({ ascii, meterId }: Meter): string {
  assert(ascii !== undefined, `${meterId} is a meter that speaks ASCII`);
  return ascii.address;
}

/** Whoever answered must be the meter of the settings; throws READER_SUB_METER_GONE, or READER_BAD_ANSWER when it tells no number. */
async function mustBe(meter: Meter, told: readonly string[], desk: PlainDesk): Promise<void> {
  const wanted = meter.ascii?.identity ?? null;
  if (wanted === null) return;
  const [other] = told;
  if (other === undefined) throw edgeError('READER_BAD_ANSWER', `it tells no number (0.0.0), ${wanted} is wanted`);
  if (!told.includes(bareNumber(wanted))) await desk.exchanged(meter, wanted, other);
  desk.isThere(meter);
}

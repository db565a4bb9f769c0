/**
 * A new firmware for a meter: fetch the image, send it in slices below periodic reading, and stay with it until the meter
 * runs it or says why not (IT-6).
 *
 * Where line, profile and keys allow it, the blocks go to all meters of the line that get the same image, and this command
 * sends its meter what it missed: see image-rounds.
 *
 * Each slice is one turn on the line and ends after {@link BACKGROUND_SLICE_MS}, so that a read that comes due does not wait.
 * How far it came is in the journal before each step that cannot be taken back; after a restart it goes on from there. The
 * work is given up when the command expires, unless the meter is activating by then: its end is always waited for, within
 * the bounds of the transfer.
 */
import { fromHex } from '../../../base/bytes.ts';
import { parseObis } from '../../../dlms/cosem/obis.ts';
import { IMAGE_ERRORS } from '../../../dlms/image/errors.ts';
import { askForImage, imageRoomOf } from '../../../dlms/image/image-session.ts';
import type { ImageOutcome, ImageRecord } from '../../../dlms/image/image-steps.ts';
import { ImageTransfer } from '../../../dlms/image/image-transfer.ts';
import type { FirmwareBody } from '../../../model/command.ts';
import type { MeterEvent } from '../../../model/event.ts';
import type { FirmwareRule } from '../../../profile/schema/profile.ts';
import { EDGE_ERRORS } from '../../errors.ts';
import { BACKGROUND_SLEEP_MS, BACKGROUND_SLICE_MS } from '../../limits.ts';
import type { MeterAccess } from '../../ports.ts';
import type { RoundSeat } from '../image-rounds.ts';
import type { BackgroundHandler, BackgroundTools, Outcome } from './handler.ts';

/** Code and name of the event that tells of a new firmware in the edge's own log. */
const ACTIVATED = { code: 3, name: 'firmware-activated' } as const;

async function perform(body: FirmwareBody, tools: BackgroundTools): Promise<Outcome> {
  const { rule } = tools;
  if (rule === null) return ended('refused', 'COMMAND_NO_FIRMWARE', EDGE_ERRORS.COMMAND_NO_FIRMWARE.sentence);
  // Taken before anything else: those who are ready early know for whom to wait.
  const seat = await tools.seat(body.sha256);
  try {
    return await carriedOut(body, rule, seat, tools);
  } finally {
    seat?.leave();
  }
}

async function carriedOut(
  body: FirmwareBody,
  rule: FirmwareRule,
  seat: RoundSeat | null,
  tools: BackgroundTools,
): Promise<Outcome> {
  const octets = await tools.image({ sha256: body.sha256, sizeOctets: body.sizeOctets });
  const transfer = transferOf(body, octets, rule, await tools.record(), seat !== null);
  for (;;) {
    const step = transfer.next(tools.nowMs());
    if (step.kind === 'end') return outcomeOf(step.outcome, tools);
    if (tools.hasExpired() && transfer.record.phase !== 'activating') return outOfTime();
    if (!transfer.mayBroadcast) seat?.leave();
    if (step.kind === 'broadcast') {
      // After a restart the meter is not asked to begin anew.
      await tools.keep(transfer.record);
      const { blockOctets, numbers } = step;
      const progress = (sentence: string) => tools.progress(sentence);
      const wentOut = seat?.ready({ octets, obis: rule.obis, blockOctets, numbers, progress });
      await gathered(transfer, wentOut ?? Promise.resolve(false), tools);
      continue;
    }
    tell(transfer, tools);
    if (step.kind === 'wait') await waitOut(transfer, step.delayMs, tools);
    else await slice(transfer, tools);
  }
}

/** Waits until the blocks went to all, or will not; or until the time of the command is over. */
async function gathered(transfer: ImageTransfer, wentOut: Promise<boolean>, tools: BackgroundTools): Promise<void> {
  while (!tools.hasExpired()) {
    const sent = await Promise.race([wentOut, tools.sleep(BACKGROUND_SLEEP_MS).then(() => null)]);
    if (sent === null) continue;
    transfer.answer(sent ? { kind: 'result', code: 0 } : { kind: 'lost' }, tools.nowMs());
    return;
  }
}

function transferOf(
  body: FirmwareBody,
  octets: Uint8Array,
  rule: FirmwareRule,
  record: ImageRecord | null,
  broadcast: boolean,
) {
  const { version, info, verifyMaxMs, activateMaxMs } = rule;
  return new ImageTransfer({
    image: { octets, sha256: body.sha256, identifier: fromHex(body.identifier), signature: null },
    obis: parseObis(rule.obis),
    version:
      version === null
        ? null
        : { classId: version.classId, instanceId: parseObis(version.obis), attributeId: version.attribute },
    info,
    activateAtMs: body.activateAtMs,
    record,
    broadcast,
    verifyMaxMs,
    activateMaxMs,
  });
}

async function waitOut(transfer: ImageTransfer, delayMs: number, tools: BackgroundTools): Promise<void> {
  const sleepMs = Math.min(delayMs, BACKGROUND_SLEEP_MS);
  await tools.sleep(sleepMs);
  // A long wait is asked for again, so that the time of the command is looked at in between.
  transfer.waited(sleepMs);
}

/** One turn on the line. */
async function slice(transfer: ImageTransfer, tools: BackgroundTools): Promise<void> {
  const endMs = tools.monotonicMs() + BACKGROUND_SLICE_MS;
  const turn = await tools.onLine(async (meter) => {
    do {
      if (!(await exchange(transfer, meter, tools))) return;
    } while (tools.monotonicMs() < endMs && !meter.isWanted());
  });
  if (!turn.ok) transfer.answer({ kind: 'lost' }, tools.nowMs());
}

/** One question and its answer; false when there is nothing to ask, or the association broke. */
async function exchange(transfer: ImageTransfer, meter: MeterAccess, tools: BackgroundTools): Promise<boolean> {
  const session = await meter.imageSession();
  transfer.associated(imageRoomOf(session));
  const step = transfer.next(tools.nowMs());
  if (step.kind === 'end' || step.kind === 'wait' || step.kind === 'broadcast') return false;
  await tools.keep(transfer.record);
  const answer = await askForImage(session, step);
  if (answer.kind === 'lost') await meter.drop();
  transfer.answer(answer, tools.nowMs());
  return answer.kind !== 'lost';
}

function tell(transfer: ImageTransfer, tools: BackgroundTools): void {
  const { phase } = transfer.record;
  const { done, of } = transfer.progress;
  const words = {
    new: 'A firmware is about to be sent.',
    initiating: 'The meter prepares for a new firmware.',
    transferring: `${done} of ${of} blocks of a new firmware are in the meter.`,
    verifying: 'The meter verifies a new firmware.',
    activating: 'The meter activates a new firmware.',
  };
  tools.progress(words[phase]);
}

function outcomeOf(outcome: ImageOutcome, tools: BackgroundTools): Outcome {
  if (outcome.kind === 'failed') {
    const { sentence } = IMAGE_ERRORS[outcome.code];
    const state = outcome.code === 'IMAGE_ACTIVATE_TIMEOUT' ? 'uncertain' : 'failed';
    return ended(state, outcome.code, outcome.detail === '' ? sentence : `${sentence} (${outcome.detail})`);
  }
  const { version, versionBefore } = outcome;
  const before = versionBefore === null || versionBefore === version ? '' : `, before it was ${versionBefore}`;
  const sentence = version === null ? 'The image is active.' : `The meter runs ${version} now${before}.`;
  const event: MeterEvent = {
    meterId: tools.meterId,
    log: 'edge',
    ...ACTIVATED,
    sentence,
    atMs: tools.nowMs(),
    severity: 'info',
  };
  return { ...ended('done', '', sentence), events: [event] };
}

function outOfTime(): Outcome {
  return ended('failed', 'COMMAND_OUT_OF_TIME', EDGE_ERRORS.COMMAND_OUT_OF_TIME.sentence);
}

function ended(state: Outcome['state'], code: Outcome['code'], sentence: string): Outcome {
  return { state, code, sentence, values: [], groups: [] };
}

/** See the head of the file. */
export const FIRMWARE_HANDLER: BackgroundHandler<FirmwareBody> = { acts: true, perform };

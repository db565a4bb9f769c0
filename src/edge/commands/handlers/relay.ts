/**
 * Disconnect and reconnect (class 70): look, act once, look again.
 *
 * The position is read before, so that a mode that forbids the order is refused without touching anything, and after, no
 * earlier than the contacts settle and again until it is what was ordered. A lost answer is not a failure: the relay is
 * read before anything is said. In modes 1, 3, 5 and 6 a remote reconnect only arms the meter; somebody must press its
 * button, so "armed" is never called "connected".
 *
 * Where the meter tells the voltage behind its contacts, a relay is not closed while the load is live, and one that says it
 * is open while the load stays live has failed (IT-4): a source of the customer's own must not meet the grid, and nobody may
 * be sent to work behind welded contacts.
 *
 * Given up: the line is held while the relay settles (3 to 18 s); an answer that can be trusted is worth the wait.
 */

import { reasonOf } from '../../../base/errors.ts';
import type { CommandBody, ObjectValue, RelayState } from '../../../model/command.ts';
import { EDGE_ERRORS } from '../../errors.ts';
import { RELAY_POLL_MAX_MS, RELAY_POLL_MS, RELAY_SETTLE_MIN_MS } from '../../limits.ts';
import type { MeterAccess, RelayReading } from '../../ports.ts';
import { resultWords } from '../../result-words.ts';
import type { Handler, HandlerTools, Outcome } from './handler.ts';
import { onDemandRows } from './on-demand-rows.ts';

type RelayBody = CommandBody & { readonly kind: 'relay' };
type Action = RelayBody['action'];

const DISCONNECT_CONTROL_CLASS = 70;
const METHODS = { disconnect: 1, reconnect: 2 } as const;
/** The argument of both methods. */
const ZERO = { type: 'integer', value: 0 } as const;
const DISCONNECTED = 0;
const CONNECTED = 1;
const ARMED = 2;
/** Modes in which a remote reconnect leads to state 2, ready for reconnection. */
const ARMING_MODES: ReadonlySet<number> = new Set([1, 3, 5, 6]);

async function run(body: RelayBody, meter: MeterAccess, tools: HandlerTools): Promise<Outcome> {
  const { action } = body;
  if (meter.relayObis === null) return refusal('COMMAND_NO_RELAY', EDGE_ERRORS.COMMAND_NO_RELAY.sentence);
  if (tools.plainRelay === 'refuse' && !meter.ordersAreProtected)
    return refusal('COMMAND_PLAIN_RELAY', EDGE_ERRORS.COMMAND_PLAIN_RELAY.sentence);
  const before = await meter.readRelay();
  if (before.controlMode === 0) {
    const sentence = `The meter is in control mode 0 (always connected) and would ignore the order to ${action}; nothing was done.`;
    return refusal('COMMAND_CONTROL_MODE', sentence, before);
  }
  if (isReached(action, before)) return done(`${stateWords(before)} It was so already; nothing was done.`, before, []);
  const danger = action === 'reconnect' ? await dangerOf(meter) : null;
  if (danger !== null) return refusal(danger.code, danger.sentence, before);
  let answer: number | null = null;
  try {
    answer = (await meter.invoke(DISCONNECT_CONTROL_CLASS, meter.relayObis, METHODS[action], ZERO)).result;
  } catch {
    // Whether the order arrived is not known: only the relay itself can tell.
  }
  const after = await readBack(action, meter, tools);
  const values = after === null ? [] : await snapshot(meter);
  const groups = onDemandRows(values, { meterId: tools.meterId, timeZone: meter.timeZone }, tools.nowMs());
  const outcome = { ...judge(action, answer, after, values), groups };
  if (action === 'reconnect' || outcome.state !== 'done' || after === null) return outcome;
  const live = await dangerOf(meter);
  if (live?.code !== 'COMMAND_LOAD_LIVE') return outcome;
  return { ...outcome, ...live, sentence: `${stateWords(after)} ${live.sentence}`, state: 'failed' };
}

interface Danger {
  readonly code: 'COMMAND_LOAD_LIVE' | 'COMMAND_LOAD_UNKNOWN';
  readonly sentence: string;
}

/** Why an open relay is not safe to close, or not open at all; null = the load is dead, or the meter does not measure it. */
async function dangerOf(meter: MeterAccess): Promise<Danger | null> {
  if (meter.loadVoltage === null) return null;
  const { object, maxV } = meter.loadVoltage;
  let volts: number | null = null;
  try {
    const [answer] = await meter.readObjects([object]);
    if (answer?.result === 0 && answer.value !== undefined) volts = Number(answer.value) * 10 ** (answer.exponent ?? 0);
  } catch {
    // Said below: what is not known is not safe.
  }
  if (volts === null || !Number.isFinite(volts))
    return { code: 'COMMAND_LOAD_UNKNOWN', sentence: EDGE_ERRORS.COMMAND_LOAD_UNKNOWN.sentence };
  if (volts <= maxV) return null;
  const sentence = `${EDGE_ERRORS.COMMAND_LOAD_LIVE.sentence} It shows ${volts.toFixed(0)} V.`;
  return { code: 'COMMAND_LOAD_LIVE', sentence };
}

/** Looks until the relay is where it should be, at most {@link RELAY_POLL_MAX_MS}; the last look, or null when all failed. */
async function readBack(action: Action, meter: MeterAccess, tools: HandlerTools): Promise<RelayReading | null> {
  let waitedMs = Math.max(RELAY_SETTLE_MIN_MS, tools.relaySettleMs, meter.relaySettleMs);
  let seen: RelayReading | null = null;
  await tools.sleep(waitedMs);
  for (;;) {
    try {
      seen = await meter.readRelay();
      if (isReached(action, seen)) return seen;
    } catch {
      // The next look may succeed; what was seen before stays the last thing known.
    }
    if (waitedMs + RELAY_POLL_MS > RELAY_POLL_MAX_MS) return seen;
    waitedMs += RELAY_POLL_MS;
    await tools.sleep(RELAY_POLL_MS);
  }
}

function judge(
  action: Action,
  answer: number | null,
  after: RelayReading | null,
  values: readonly ObjectValue[],
): Outcome {
  if (after === null) {
    const sentence =
      answer === 0
        ? 'The meter took the order, but its relay could not be read back; its position is not known.'
        : EDGE_ERRORS.COMMAND_ANSWER_LOST.sentence;
    return { state: 'uncertain', code: 'COMMAND_ANSWER_LOST', sentence, values, groups: [] };
  }
  if (isReached(action, after)) {
    const lost = answer === null ? ' The answer to the order was lost; this was read back.' : '';
    return done(`${stateWords(after)}${lost}`, after, values);
  }
  if (answer !== null && answer !== 0) {
    const sentence = `The meter refused to ${action} (${resultWords(answer)}). ${stateWords(after)}`;
    return { ...refusal('COMMAND_METER_REFUSED', sentence, after), values };
  }
  const sentence = `${EDGE_ERRORS.COMMAND_RELAY_UNMOVED.sentence} ${stateWords(after)}`;
  return { state: 'failed', code: 'COMMAND_RELAY_UNMOVED', sentence, values, relay: position(after), groups: [] };
}

/** Registers as they stand after the switch (SG-PP-1); the order is done without them as well. */
async function snapshot(meter: MeterAccess): Promise<readonly ObjectValue[]> {
  if (meter.snapshot.length === 0) return [];
  return await meter.readObjects(meter.snapshot).catch(() => []);
}

async function recover(_body: RelayBody, meter: MeterAccess): Promise<Outcome> {
  const begin = EDGE_ERRORS.COMMAND_INTERRUPTED.sentence;
  const uncertain = { state: 'uncertain', code: 'COMMAND_INTERRUPTED', values: [], groups: [] } as const;
  try {
    const seen = await meter.readRelay();
    return { ...uncertain, sentence: `${begin} ${stateWords(seen)}`, relay: position(seen) };
  } catch (error) {
    return { ...uncertain, sentence: `${begin} The relay could not be read back: ${reasonOf(error)}` };
  }
}

/** Whether the meter is where the order leads to. */
function isReached(action: Action, relay: RelayReading): boolean {
  if (action === 'disconnect') return !relay.outputOn && relay.controlState === DISCONNECTED;
  if (relay.controlState === CONNECTED) return relay.outputOn;
  return relay.controlState === ARMED && relay.controlMode !== null && ARMING_MODES.has(relay.controlMode);
}

/** The position in words. */
export function stateWords(relay: RelayState): string {
  const output = relay.outputOn ? 'The load has supply' : 'The load has no supply';
  switch (relay.controlState) {
    case DISCONNECTED:
      return `${output}: disconnected.`;
    case CONNECTED:
      return `${output}: connected.`;
    case ARMED:
      return `${output}: armed, not connected. Somebody must press the button of the meter.`;
    default:
      return `${output}; the meter names a control state ${relay.controlState} that is not known.`;
  }
}

function position(relay: RelayReading): RelayState {
  return { outputOn: relay.outputOn, controlState: relay.controlState };
}

function done(sentence: string, relay: RelayReading, values: readonly ObjectValue[]): Outcome {
  return { state: 'done', code: '', sentence, values, relay: position(relay), groups: [] };
}

function refusal(
  code: Danger['code'] | 'COMMAND_NO_RELAY' | 'COMMAND_PLAIN_RELAY' | 'COMMAND_CONTROL_MODE' | 'COMMAND_METER_REFUSED',
  sentence: string,
  relay?: RelayReading,
): Outcome {
  return {
    state: 'refused',
    code,
    sentence,
    values: [],
    groups: [],
    ...(relay === undefined ? {} : { relay: position(relay) }),
  };
}

/** See the head of the file. */
export const RELAY_HANDLER: Handler<RelayBody> = { jobClass: 'command', acts: true, run, recover };

/**
 * A long run of the fuzzer: slices spread over processes of this program, what is done kept in a file, so that a run that was
 * stopped goes on where it was. A process that says nothing for long is hung by an input: it is ended and its slice named.
 */
import type { Env } from '../../base/env.ts';
import { reasonOf } from '../../base/errors.ts';
import type { ProgramCommand } from '../benches/bench.ts';
import { argumentsOf, runElsewhere } from '../elsewhere.ts';
import type { Find } from './fuzzer.ts';

/** Longest silence of a process: slices take two minutes, on a crowded machine many more. */
const SLICE_TIMEOUT_MS = 3_600_000;
/** An execution drops nearly all that it makes. */
const YOUNG_MB = 64;
const STATE_FORMAT = 1;

/** What the file keeps. */
interface State {
  readonly format: number;
  readonly seed: number;
  /** Numbers of the slices that are done. */
  readonly done: number[];
  readonly figures: SliceFigures;
  readonly finds: Find[];
}

/** Sums and maxima of slices. */
export interface SliceFigures {
  executions: number;
  taken: number;
  timeShareMax: number;
  heapShareMax: number;
}

/** One slice as its process told it. */
interface ToldSlice {
  readonly figures: SliceFigures;
  readonly finds: readonly Find[];
}

/** What a process says before each find. */
const FIND_PREFIX = 'find ';
/** Hexadecimal digits of a find that are told: a line of a process is cut at 8,192 characters. */
const FIND_HEX_MAX = 7_000;

/** A find as a line of its process; of a long one only the beginning, and that it is one. */
export function findLine({ target, hex, reason }: Find): string {
  const cut = `${reason} (the first ${FIND_HEX_MAX / 2} of ${hex.length / 2} octets; run its slice again for all)`;
  const told =
    hex.length <= FIND_HEX_MAX ? { target, hex, reason } : { target, hex: hex.slice(0, FIND_HEX_MAX), reason: cut };
  return FIND_PREFIX + JSON.stringify(told);
}

/** How long, how wide, and where it is noted. */
export interface Campaign {
  readonly seed: number;
  readonly slices: number;
  readonly processes: number;
  /** File with what is done; null keeps nothing. */
  readonly stateFile: string | null;
  readonly program: ProgramCommand;
  /** Whether this program ends, and its processes with it: that is no find, and their slices are not done. */
  readonly isEnding: () => boolean;
}

/** Runs what is not done yet; resolves to everything done so far. Rejects when the program ends meanwhile. */
export async function runCampaign(
  env: Pick<Env, 'disk'>,
  campaign: Campaign,
  progress: (line: string) => void,
): Promise<{ readonly slices: number; readonly figures: SliceFigures; readonly finds: readonly Find[] }> {
  const state = await readState(env, campaign);
  const left = Array.from({ length: campaign.slices }, (_, slice) => slice).filter(
    (slice) => !state.done.includes(slice),
  );
  if (state.done.length > 0) progress(`fuzz: ${state.done.length} slices were done before, ${left.length} are left`);
  const worker = async (): Promise<void> => {
    for (let slice = left.shift(); slice !== undefined; slice = left.shift()) {
      const told = await runSlice(campaign, slice);
      add(state, slice, told);
      for (const find of told.finds) progress(`fuzz: slice ${slice}: ${find.target}: ${find.reason}: ${find.hex}`);
      if (campaign.stateFile !== null)
        await env.disk.writeFile(campaign.stateFile, new TextEncoder().encode(JSON.stringify(state)));
      progress(`fuzz: ${state.done.length} of ${campaign.slices} slices, ${state.finds.length} finds`);
    }
  };
  await Promise.all(Array.from({ length: campaign.processes }, worker));
  return { slices: state.done.length, figures: state.figures, finds: state.finds };
}

async function readState(env: Pick<Env, 'disk'>, { stateFile, seed }: Campaign): Promise<State> {
  const kept = stateFile === null ? undefined : await env.disk.readFile(stateFile);
  const none = { executions: 0, taken: 0, timeShareMax: 0, heapShareMax: 0 };
  if (kept === undefined) return { format: STATE_FORMAT, seed, done: [], figures: none, finds: [] };
  const state = JSON.parse(new TextDecoder().decode(kept)) as State;
  if (state.format !== STATE_FORMAT || state.seed !== seed)
    throw new RangeError(`${stateFile} belongs to seed ${state.seed}: name another file, or remove it`);
  return state;
}

function add(state: State, slice: number, { figures, finds }: ToldSlice): void {
  state.done.push(slice);
  state.finds.push(...finds);
  state.figures.executions += figures.executions;
  state.figures.taken += figures.taken;
  state.figures.timeShareMax = Math.max(state.figures.timeShareMax, figures.timeShareMax);
  state.figures.heapShareMax = Math.max(state.figures.heapShareMax, figures.heapShareMax);
}

/** One slice in a process of its own: a crash or a hang of it is a find like any other. */
async function runSlice({ program, seed, isEnding }: Campaign, slice: number): Promise<ToldSlice> {
  const finds: Find[] = [];
  const progress = (line: string) => void finds.push(JSON.parse(line.slice(FIND_PREFIX.length)) as Find);
  const part = {
    name: 'fuzz-slice',
    seed,
    count: slice + 1,
    timeoutMs: SLICE_TIMEOUT_MS,
    prefix: FIND_PREFIX,
    youngMb: YOUNG_MB,
  };
  try {
    const { figures } = await runElsewhere({ program, progress }, part);
    return { figures: figures as unknown as SliceFigures, finds };
  } catch (error) {
    if (isEnding()) throw error;
    const reason = `the process ended or hung: ${reasonOf(error)}; run ${argumentsOf(part).join(' ')}`;
    finds.push({ target: 'slice', hex: '', reason });
    return { figures: { executions: 0, taken: 0, timeShareMax: 0, heapShareMax: 0 }, finds };
  }
}

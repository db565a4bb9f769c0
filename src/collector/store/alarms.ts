/** Events that the collector itself raises about a journal. */
import type { MeterEvent } from '../../model/event.ts';

/** Log of the collector's own events. */
const COLLECTOR_LOG = 'collector';

/** A block that cannot be decoded. `atMs` is the time of its last row or record. */
export function quarantineEvent(lane: number, sequence: number, code: string, atMs: number): MeterEvent {
  return {
    meterId: null,
    log: COLLECTOR_LOG,
    code: sequence,
    name: 'block-quarantined',
    sentence: `Block ${sequence} of lane ${lane} cannot be decoded (${code}): it is kept as it came. Its intervals are missing until a newer version decodes it or a command reads them.`,
    atMs,
    severity: 'alarm',
  };
}

/** A keyframe whose numbers disagree with the chain of blocks before it. */
export function astrayEvent(lane: number, sequence: number, atMs: number): MeterEvent {
  return {
    meterId: null,
    log: COLLECTOR_LOG,
    code: -sequence,
    name: 'chain-astray',
    sentence: `Keyframe ${sequence} of lane ${lane} does not continue what the blocks before it added up to: readings since the keyframe before it are doubtful.`,
    atMs,
    severity: 'alarm',
  };
}

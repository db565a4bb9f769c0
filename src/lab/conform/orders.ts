/** Orders that a device must refuse: under a foreign key, for another device. Neither touches a meter. */
import type { Command, CommandReport } from '../../model/command.ts';
import type { CommandId, EdgeId, MeterId } from '../../model/ids.ts';
import { commandSigningOctets, encodeCommand } from '../../wire/codec.ts';
import type { Examiner } from './examiner.ts';

const ANSWER_MS = 60_000;
const LIFETIME_MS = 600_000;
/** The clock of a meter: an order that would change nothing if it were carried out. */
const CLOCK = { classId: 8, obis: '0-0:1.0.0*255', attribute: 2 };

/** Sends orders that are not good; each must come back refused, in lane 1. */
export async function orderScene(exam: Examiner): Promise<void> {
  const { verdicts, env } = exam;
  exam.take(true);
  const stranger = env.crypto.newSigningKey();
  const order = orderOf(exam);
  const octets = encodeCommand(order);
  exam.say({
    kind: 'command',
    command: octets,
    signature: env.crypto.sign(stranger.privateKey, commandSigningOctets(octets)),
  });
  const report = () => reportOf(exam, order.id);
  const came = await exam.until(() => report() !== undefined, ANSWER_MS);
  const state = report()?.state;
  verdicts.judge(
    'W-92',
    came && state === 'refused',
    'An order under a foreign key was refused.',
    came
      ? `An order under a foreign key became '${state}'.`
      : 'An order under a foreign key got no result within 60 s.',
  );
}

function orderOf({ env, device, watch }: Examiner): Command {
  const nowMs = env.clock.nowMs();
  return {
    id: uuidOf(env.random.bytes(16)),
    edgeId: device.edgeId as EdgeId,
    epoch: watch.hello?.epoch ?? '',
    meterId: 'no-such-meter' as MeterId,
    body: { kind: 'read', objects: [CLOCK] },
    author: 'conform',
    createdAtMs: nowMs,
    expiresAtMs: nowMs + LIFETIME_MS,
  };
}

function reportOf(exam: Examiner, id: CommandId): CommandReport | undefined {
  return exam.watch.reports.find((report) => report.id === id);
}

/** 16 random octets as a UUID of version 4. */
function uuidOf(octets: Uint8Array): CommandId {
  const hex = [...octets].map((octet) => octet.toString(16).padStart(2, '0')).join('');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20)];
  return parts.join('-') as CommandId;
}

/** What happens to a simulated base node or modem as the days go by: meters come and go, and it is started anew. */
import type { Env } from '../../base/env.ts';
import type { SeededRandom } from '../../base/seeded-random.ts';
import { drawDay, playDay } from '../plc/day.ts';
import type { PlcPlan } from '../plc/habits.ts';
import type { PlcNetwork } from '../plc/network.ts';

/** What stands before a network. */
export interface Living {
  readonly network: PlcNetwork;
  restart(): void;
}

const DAY_MS = 86_400_000;

/** Lets it live as its plan says, from now on; returns what ends that. */
export function liveBaseNode(
  node: Living,
  { churn, rebootMs }: PlcPlan,
  env: Pick<Env, 'timers'>,
  random: SeededRandom,
): () => void {
  const { network } = node;
  const playOn = () => playDay(network, drawDay(network.meters.length, random), env);
  const ends = [
    ...(churn ? [again(DAY_MS, env, playOn)] : []),
    ...(rebootMs === null ? [] : [later(rebootMs, env, () => node.restart())]),
  ];
  return () => {
    for (const end of ends) end();
  };
}

/** Now and every so often; what a turn began is ended before the next one. */
function again(periodMs: number, { timers }: Pick<Env, 'timers'>, turn: () => () => void): () => void {
  let end = turn();
  const next = () => {
    end();
    end = turn();
    timer = timers.after(periodMs, next);
  };
  let timer = timers.after(periodMs, next);
  return () => {
    end();
    timer.cancel();
  };
}

/** Every so often, not now. */
function later(periodMs: number, { timers }: Pick<Env, 'timers'>, run: () => void): () => void {
  const next = () => {
    run();
    timer = timers.after(periodMs, next);
  };
  let timer = timers.after(periodMs, next);
  return () => timer.cancel();
}

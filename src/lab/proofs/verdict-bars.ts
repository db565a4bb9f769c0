/** The bars that every proof over a yard shares. */
import { atLeast, atMost, type Bar } from '../benches/bench.ts';
import type { YardVerdict } from './yard.ts';

/** 0 0 0 0, no counter twice, and something to judge at all. */
export function zeroBars(verdict: YardVerdict): Bar[] {
  const { produced, lost, duplicated, altered, invented, countersSeen, countersTwice } = verdict;
  return [
    atMost('lost', lost, 0),
    atMost('duplicated', duplicated, 0),
    atMost('altered', altered, 0),
    atMost('invented', invented, 0),
    atMost('invocation counters used twice', countersTwice, 0),
    atLeast('values produced', produced, 1),
    atLeast('invocation counters seen', countersSeen, 1),
  ];
}

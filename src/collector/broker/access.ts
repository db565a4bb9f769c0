/** Who may do what at the broker: edges their own three topics (wire), the collector all of them the other way round. */
import { type EdgeId, parseEdgeId } from '../../model/ids.ts';
import { edgeMay, LEAVES, parseTopic, type Sha256 } from '../../wire/topics.ts';

/** User and client id of the collector; no edge can be called so, for it holds a point. */
export const COLLECTOR_USER = 'deltawatt.collector';

/** What an action may be on. */
export type Action = 'publish' | 'subscribe';

const COLLECTOR_FILTER = /^dw\/(\+|[0-9a-f]{2})\/(\+|[A-Za-z0-9_-]{1,32})\/([bc])$/;

/** Whether a user may publish on a topic or subscribe a filter. */
export function mayUse(user: string, action: Action, topicOrFilter: string, sha256: Sha256): boolean {
  if (user === COLLECTOR_USER) {
    if (action === 'subscribe') return COLLECTOR_FILTER.test(topicOrFilter);
    return parseTopic(topicOrFilter, sha256)?.leaf === LEAVES.controlDown;
  }
  const edgeId: EdgeId | null = parseEdgeId(user);
  return edgeId !== null && edgeMay(action, edgeId, topicOrFilter, sha256);
}

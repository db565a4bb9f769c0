/** `/health` (JSON, with reasons), `/plan` (JSON, the next runs), `/networks` (JSON, who was there by the hour) and `/metrics` (Prometheus text 0.0.4) over the edge's small HTTP server. */
import type { HttpAnswer } from '../../base/env.ts';
import { isoText } from '../../base/time.ts';
import type { NetworkHour } from '../ports.ts';
import type { EdgeHealth } from './health.ts';

/** What is asked for besides counters and states, at the moment of the request. */
export interface HealthFacts {
  readonly edgeId: string;
  readonly software: string;
  /** Seconds since the start of the program. */
  readonly uptimeS: number;
  /** The next runs of the plan; absent = there is none. */
  readonly plan?: () => readonly object[];
}

/** A network as it is shown. */
export interface ShownNetwork {
  readonly line: string;
  /** How many meters are in it, of how many. */
  readonly presence: { readonly there: number; readonly all: number };
  /** Hours that are over, oldest first, then the present one. */
  hours(): readonly NetworkHour[];
}

/** The answer to a path. */
export function answerHealth(
  path: string,
  health: EdgeHealth,
  facts: HealthFacts,
  networks: readonly ShownNetwork[] = [],
): HttpAnswer {
  switch (path.split('?')[0]) {
    case '/health':
      return healthDocument(health, facts);
    case '/plan':
      return { status: 200, contentType: 'application/json; charset=utf-8', body: planText(facts) };
    case '/metrics':
      return { status: 200, contentType: 'text/plain; version=0.0.4; charset=utf-8', body: metricsText(health, facts) };
    case '/networks':
      return networksDocument(networks);
    default:
      return {
        status: 404,
        contentType: 'text/plain; charset=utf-8',
        body: 'Ask for /health, /plan, /networks or /metrics.\n',
      };
  }
}

function planText({ plan = () => [] }: HealthFacts): string {
  return `${JSON.stringify({ runs: plan() }, null, 2)}\n`;
}

function healthDocument(health: EdgeHealth, { plan: _, ...facts }: HealthFacts): HttpAnswer {
  const state = health.overall();
  const reasons = health.subjects().map(({ sinceMs, ...rest }) => ({ ...rest, since: isoText(sinceMs) }));
  const body = `${JSON.stringify({ state, ...facts, reasons }, null, 2)}\n`;
  return { status: state === 'failed' ? 503 : 200, contentType: 'application/json; charset=utf-8', body };
}

/** Networks over the power line, with their last hours; a meter stands in an hour in which it was away, or joined. */
function networksDocument(networks: readonly ShownNetwork[]): HttpAnswer {
  const shown = networks.map((network) => ({
    line: network.line,
    ...network.presence,
    hours: network.hours().map(({ fromMs, meters, ...hour }) => ({
      from: isoText(fromMs),
      ...hour,
      meters: meters.filter(({ therePercent, joins }) => therePercent < 100 || joins > 0),
    })),
  }));
  const body = `${JSON.stringify({ networks: shown }, null, 2)}\n`;
  return { status: 200, contentType: 'application/json; charset=utf-8', body };
}

/** Names are ours: letters, digits and underscores. */
export function metricsText(health: EdgeHealth, facts: HealthFacts): string {
  const lines = [
    '# TYPE deltawatt_edge_info gauge',
    `deltawatt_edge_info{edge="${facts.edgeId}",software="${facts.software}"} 1`,
    '# TYPE deltawatt_edge_uptime_seconds gauge',
    `deltawatt_edge_uptime_seconds ${facts.uptimeS}`,
  ];
  for (const [name, value] of health.counters()) {
    lines.push(`# TYPE deltawatt_edge_${name}_total counter`, `deltawatt_edge_${name}_total ${value}`);
  }
  for (const [name, value] of health.gauges()) {
    lines.push(`# TYPE deltawatt_edge_${name} gauge`, `deltawatt_edge_${name} ${value}`);
  }
  const states = ['ok', 'degraded', 'failed'] as const;
  lines.push('# TYPE deltawatt_edge_subjects gauge');
  for (const state of states) {
    const count = health.subjects().filter((subject) => subject.state === state).length;
    lines.push(`deltawatt_edge_subjects{state="${state}"} ${count}`);
  }
  return `${lines.join('\n')}\n`;
}

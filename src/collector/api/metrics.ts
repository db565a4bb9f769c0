/** What Prometheus reads at `/metrics`; names begin with `deltawatt_` and end in their unit. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Counters of the API and gauges of everything else. */
export interface ApiMetrics {
  answered(route: string, method: string, status: number, seconds: number): void;
  changed(kind: string): void;
  /** The exposition text, with `facts` as gauges `deltawatt_<name>`. */
  text(facts: Readonly<Record<string, number>>): Promise<string>;
  readonly contentType: string;
}

/** `processMetrics` adds memory, CPU and event-loop figures of this process. */
export function createMetrics(processMetrics: boolean): ApiMetrics {
  const registry = new Registry();
  if (processMetrics) collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'deltawatt_api_requests_total',
    help: 'Requests answered, by route and status',
    labelNames: ['route', 'method', 'status'],
    registers: [registry],
  });
  const durations = new Histogram({
    name: 'deltawatt_api_request_seconds',
    help: 'Time from the header lines to the last octet of the answer',
    labelNames: ['route'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [registry],
  });
  const changes = new Counter({
    name: 'deltawatt_changes_total',
    help: 'Changes committed to the store, by kind',
    labelNames: ['kind'],
    registers: [registry],
  });
  const gauges = new Map<string, Gauge>();
  return {
    contentType: registry.contentType,
    answered(route, method, status, seconds) {
      requests.inc({ route, method, status });
      durations.observe({ route }, seconds);
    },
    changed: (kind) => changes.inc({ kind }),
    async text(facts) {
      for (const [name, value] of Object.entries(facts)) {
        const gauge =
          gauges.get(name) ??
          new Gauge({ name: `deltawatt_${name}`, help: `Now: ${name.replaceAll('_', ' ')}`, registers: [registry] });
        gauges.set(name, gauge);
        gauge.set(value);
      }
      return registry.metrics();
    },
  };
}

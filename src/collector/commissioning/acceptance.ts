/** The acceptance report of a concentrator: which of its meters are there and read, and what is wrong with the others. */
import type { EdgeId } from '../../model/ids.ts';
import type { AcceptanceReport, AcceptedMeter, Finding, FindingStore } from '../commissioning-ports.ts';
import type { MeterRecord, QueryStore } from '../ports.ts';
import { REPORT_FINDINGS_MAX, REPORT_PAGE } from './limits.ts';

type Asked = Pick<QueryStore, 'meters' | 'channels'> & Pick<FindingStore, 'findings'>;

/** The report of now. */
export async function acceptanceOf(store: Asked, edgeId: EdgeId, nowMs: number): Promise<AcceptanceReport> {
  const placed = (await allMeters(store, edgeId)).filter(
    ({ placedFromMs = 0, placedToMs = Number.POSITIVE_INFINITY }) => placedFromMs <= nowMs && placedToMs > nowMs,
  );
  const findings = await store.findings({ edgeId, limit: REPORT_FINDINGS_MAX });
  const byMeter = new Map(
    findings.flatMap((finding) => (finding.meterId === undefined ? [] : [[finding.meterId, finding]])),
  );
  const lines = new Set(findings.map(({ line }) => line));
  const meters: AcceptedMeter[] = [];
  for (const meter of placed) {
    const finding = byMeter.get(meter.meterId);
    const wasLookedFor = meter.line !== undefined && lines.has(meter.line);
    const isFound = finding?.state === 'commissioned' || (wasLookedFor ? false : null);
    meters.push(await acceptedMeter(store, meter, isFound));
  }
  const faults = findings.flatMap(faultsOf);
  const read = meters.filter(({ lastReadingAtMs }) => lastReadingAtMs !== undefined).length;
  return {
    edgeId,
    atMs: nowMs,
    expected: meters.length,
    found: meters.filter(({ isFound }) => isFound === true).length,
    read,
    isAccepted: meters.length > 0 && faults.length === 0 && meters.every((meter) => meter.faults.length === 0),
    meters,
    faults,
  };
}

async function allMeters(store: Asked, edgeId: EdgeId): Promise<MeterRecord[]> {
  const meters: MeterRecord[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.meters({ edgeId, limit: REPORT_PAGE, ...(cursor === undefined ? {} : { cursor }) });
    meters.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return meters;
}

async function acceptedMeter(store: Asked, meter: MeterRecord, isFound: boolean | null): Promise<AcceptedMeter> {
  const { meterId, serial, line, address, lastReadingAtMs, state } = meter;
  const firsts = (await store.channels(meterId)).map(({ firstAtMs }) => firstAtMs);
  const faults = [
    ...(isFound === false ? ['It was looked for on its line and not found.'] : []),
    ...(lastReadingAtMs === undefined ? ['No reading of it has come yet.'] : []),
    ...(state === undefined || state.state === 'reachable' || state.state === 'listening' ? [] : [state.sentence]),
  ];
  return {
    meterId,
    ...(serial === undefined ? {} : { serial }),
    ...(line === undefined ? {} : { line }),
    ...(address === undefined ? {} : { address }),
    isFound,
    ...(firsts.length === 0 ? {} : { firstReadingAtMs: Math.min(...firsts) }),
    ...(lastReadingAtMs === undefined ? {} : { lastReadingAtMs }),
    quality: state?.sentence ?? 'Its concentrator has not told how it is reached.',
    faults,
  };
}

/** What of an address keeps a site from being accepted. */
function faultsOf({ state, found, line, sentence }: Finding): string[] {
  const { node, address } = found;
  const where = node === undefined ? `Line ${line}, address ${address}` : `Line ${line}, ${node.name}`;
  if (state === 'waiting') return [`${where}: ${sentence}`];
  return found.state === 'garbled' ? [`${where}: ${found.sentence}`] : [];
}

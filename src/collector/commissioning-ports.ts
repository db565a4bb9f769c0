/** The interfaces of commissioning: what was found on lines, who takes it in, and what a site looks like then. */
import type { EdgeId, MeterId, TenantId } from '../model/ids.ts';

/** What was found at an address: `other` = another meter than a list says, `garbled` = octets and no frame. */
export const FOUND_STATES = ['found', 'other', 'refused', 'garbled', 'silent'] as const;

/** An address of a line after somebody looked, as a scan reports it. */
export interface FoundAddress {
  readonly address: number;
  readonly state: (typeof FOUND_STATES)[number];
  /** Serial number as the meter tells it. */
  readonly serial?: string;
  /** COSEM logical device name. */
  readonly deviceName?: string;
  readonly firmware?: string;
  readonly sentence: string;
}

/** What became of it: `waiting` is the inbox, `empty` has no meter that could be taken in. */
export const FINDING_STATES = ['waiting', 'commissioned', 'refused', 'empty'] as const;

/** One address of a concentrator's line, as it was found last. */
export interface Finding {
  /** 16 hex digits: the same address has the same id. */
  readonly findingId: string;
  readonly tenantId: TenantId;
  readonly edgeId: EdgeId;
  readonly line: string;
  readonly found: FoundAddress;
  readonly foundAtMs: number;
  readonly state: (typeof FINDING_STATES)[number];
  /** The meter that it is, once that is known. */
  readonly meterId?: MeterId;
  /** Why it waits, or what was done, for people. */
  readonly sentence: string;
}

/** What was found on lines. */
export interface FindingStore {
  /** Keeps them, each in the place of an earlier one of its id. */
  saveFindings(findings: readonly Finding[]): Promise<void>;
  finding(findingId: string): Promise<Finding | undefined>;
  /** By concentrator, line and address. */
  findings(query: {
    readonly edgeId?: EdgeId;
    readonly state?: Finding['state'];
    readonly limit: number;
  }): Promise<readonly Finding[]>;
}

/** One meter of an acceptance report. */
export interface AcceptedMeter {
  readonly meterId: MeterId;
  readonly serial?: string;
  readonly line?: string;
  readonly address?: number;
  /** Found at its address; null = nobody looked. */
  readonly isFound: boolean | null;
  /** Time of its oldest reading, UTC ms. */
  readonly firstReadingAtMs?: number;
  readonly lastReadingAtMs?: number;
  /** Of its channel, in words. */
  readonly quality: string;
  /** Empty = accepted. */
  readonly faults: readonly string[];
}

/** Whether the meters of a concentrator are there and read. */
export interface AcceptanceReport {
  readonly edgeId: EdgeId;
  readonly atMs: number;
  readonly expected: number;
  readonly found: number;
  readonly read: number;
  readonly isAccepted: boolean;
  readonly meters: readonly AcceptedMeter[];
  /** Of the site: strangers that wait, addresses where something is wrong. */
  readonly faults: readonly string[];
}

/** Takes meters in that were found; implemented by commissioning. */
export interface Commissioner {
  /** Meters that a list knows are commissioned, others wait. Throws EDGE_UNKNOWN, EDGE_NOT_ACTIVE. */
  report(
    edgeId: EdgeId,
    line: string,
    addresses: readonly FoundAddress[],
    actor: { readonly name: string; readonly tenantId: TenantId },
  ): Promise<readonly Finding[]>;
  /** Takes a waiting meter in, as a new one or as one that is known and placed nowhere. Throws FINDING_*, METER_ELSEWHERE. */
  accept(
    findingId: string,
    as: { readonly meterId?: MeterId; readonly profile?: string; readonly name?: string },
    actor: { readonly name: string; readonly tenantId: TenantId },
  ): Promise<Finding>;
  /** It does not wait any more, however often it is found. Throws FINDING_UNKNOWN, FINDING_DECIDED. */
  refuse(findingId: string, actor: { readonly name: string }): Promise<Finding>;
  /** Throws EDGE_UNKNOWN. */
  acceptance(edgeId: EdgeId): Promise<AcceptanceReport>;
}

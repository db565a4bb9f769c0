/** The interfaces of commissioning: what was found on lines, who takes it in, and what a site looks like then. */
import type { Command } from '../model/command.ts';
import type { FoundNode, FoundState, NetworkNode } from '../model/found.ts';
import type { EdgeId, MeterId, TenantId } from '../model/ids.ts';

/** An address of a line after somebody looked, as a scan reports it, or a meter that joined a network. */
export interface FoundAddress {
  /** Physical HDLC address; absent = it is no bus. */
  readonly address?: number;
  /** How its network knows it; absent = it is no network. */
  readonly node?: NetworkNode;
  readonly state: FoundState;
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

/** A meter that a concentrator told of, and about which nothing was decided yet. */
export interface ToldMeter {
  readonly tenantId: TenantId;
  readonly edgeId: EdgeId;
  readonly found: FoundNode;
}

/** What was found on lines. */
export interface FindingStore {
  /** What concentrators told, oldest first; it came with their blocks. */
  toldMeters(limit: number): Promise<readonly ToldMeter[]>;
  /** It was decided about; what was told of the same meter since then stays. */
  forgetTold(told: readonly ToldMeter[]): Promise<void>;
  /** Keeps them, each in the place of an earlier one of its id. */
  saveFindings(findings: readonly Finding[]): Promise<void>;
  finding(findingId: string): Promise<Finding | undefined>;
  /** By concentrator, line and address. */
  findings(query: {
    readonly edgeId?: EdgeId;
    readonly state?: Finding['state'];
    readonly meterId?: MeterId;
    /** EUI-48 of the modem through which it was found. */
    readonly eui48?: string;
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
  /** A list was imported: those that wait and that it names are commissioned; resolves to these. */
  lookAgain(actor: { readonly name: string }): Promise<readonly Finding[]>;
  /**
   * Takes a waiting meter in, as a new one or as one that is known and placed nowhere; a concentrator in whose network it is
   * is told to read it. Throws FINDING_*, METER_ELSEWHERE.
   */
  accept(
    findingId: string,
    as: { readonly meterId?: MeterId; readonly profile?: string; readonly name?: string },
    actor: { readonly name: string; readonly tenantId: TenantId },
  ): Promise<Finding>;
  /** It does not wait any more, however often it is found. Throws FINDING_UNKNOWN, FINDING_DECIDED. */
  refuse(findingId: string, actor: { readonly name: string }): Promise<Finding>;
  /** A concentrator did not take a meter in that it was told to read: it waits again. */
  notTaken(command: Pick<Command, 'edgeId' | 'meterId'>, sentence: string): Promise<void>;
  /** Throws EDGE_UNKNOWN. */
  acceptance(edgeId: EdgeId): Promise<AcceptanceReport>;
}

/**
 * Finding the meters of a bus: each address is asked once who is there. Only reads, as the public client unless another is given.
 *
 * Plan: one opening of the line; at each address set-up, association, one request for the texts that tell a meter, and DISC.
 * A list says what should be there, so that a wrong meter and a missing one are told; a range finds what nobody wrote down.
 * Known weak point: two meters at one address answer at once and destroy each other's frames, which looks like noise. The
 * sentence names both, and the address is asked again before it is believed.
 */
import { hasCode, reasonOf } from '../base/errors.ts';
import { clientTransport } from '../dlms/frame/client-transport.ts';
import type { HdlcParameters } from '../dlms/frame/hdlc-parameters.ts';
import type { Authentication } from '../dlms/session/association.ts';
import { openSession } from '../dlms/session/meter-session.ts';
import { identityIn, WHO } from '../dlms/session/who.ts';
import type { GetDataResult } from '../dlms/xdlms/service.ts';
import type { LineDriver } from '../link/drive.ts';

/** An address of a bus, and which meter should be there. */
export interface BusTarget {
  /** Physical HDLC address. */
  readonly address: number;
  readonly logicalDevice: number;
  /** Octets of the HDLC server address; absent = the shortest that fits. */
  readonly addressOctets?: 1 | 2 | 4;
  /** Of the list; absent = nobody said. */
  readonly meterId?: string;
  readonly serial?: string;
}

/** What was found at an address: `other` = another meter than the list says, `garbled` = octets and no frame. */
export type BusState = 'found' | 'other' | 'refused' | 'garbled' | 'silent';

/** One address after it was asked. */
export interface BusFinding extends BusTarget {
  readonly state: BusState;
  /** Serial number as the meter tells it, null = it does not. */
  readonly toldSerial: string | null;
  /** COSEM logical device name: three letters of the maker, then his own. */
  readonly deviceName: string | null;
  readonly firmware: string | null;
  /** What this means and what to do. */
  readonly sentence: string;
}

/** How a bus is asked. */
export interface BusManners {
  readonly client: number;
  readonly authentication: Authentication;
  /** Silence after which an address counts as empty, ms. */
  readonly timeoutMs: number;
  /** Times that a silent address is asked again. */
  readonly retries: number;
  /** Of the link: silence that ends a frame, and the time of an octet, ms. */
  readonly gapMs?: number;
  readonly octetMs?: number;
}

/** As the meter has it: a scan asks for little, and a negotiation costs octets. */
const PARAMETERS: HdlcParameters = {
  informationTransmitBytes: 128,
  informationReceiveBytes: 128,
  windowTransmit: 1,
  windowReceive: 1,
};
/** Times that an address with altered octets is asked before it is believed. */
const GARBLED_TRIES = 2;

/** Asks every address in turn; `told` hears of each. Rejects with LINK_CLOSED when the line ends under it. */
export async function scanBus(
  driver: LineDriver,
  targets: readonly BusTarget[],
  manners: BusManners,
  told: (finding: BusFinding) => void = () => {},
): Promise<BusFinding[]> {
  const findings: BusFinding[] = [];
  for (const target of targets) {
    let finding = await ask(driver, target, manners);
    for (let tries = 1; finding.state === 'garbled' && tries < GARBLED_TRIES; tries++)
      finding = await ask(driver, target, manners);
    findings.push(finding);
    told(finding);
  }
  return findings;
}

async function ask(driver: LineDriver, target: BusTarget, manners: BusManners): Promise<BusFinding> {
  const { client, authentication, timeoutMs, retries, gapMs, octetMs } = manners;
  const { address: physical, logicalDevice: logical, addressOctets } = target;
  const before = driver.receivedOctets;
  const transport = clientTransport(
    'hdlc',
    { client, logical, physical, ...(addressOctets === undefined ? {} : { addressBytes: addressOctets }) },
    {
      parameters: PARAMETERS,
      responseTimeoutMs: timeoutMs,
      retries,
      ...(gapMs === undefined ? {} : { gapMs }),
      ...(octetMs === undefined ? {} : { octetMs }),
    },
  );
  try {
    // The link times out by itself; a session that never gets to speak would hide what was heard.
    const session = await openSession(driver, transport, { authentication });
    const answers = await session.get(WHO);
    await session.release();
    return known(target, answers);
  } catch (error) {
    if (!driver.isOpen) throw error;
    return failed(target, error, driver.receivedOctets > before);
  }
}

function known(target: BusTarget, answers: readonly GetDataResult[]): BusFinding {
  const { deviceName, serial: toldSerial, firmware } = identityIn(answers);
  const { serial: wanted } = target;
  const told = { ...target, toldSerial, deviceName, firmware };
  const shown = toldSerial ?? deviceName ?? 'a meter that does not tell its number';
  if (wanted === undefined) return { ...told, state: 'found', sentence: `Answers: ${shown}.` };
  if (toldSerial === null && deviceName === null)
    return { ...told, state: 'found', sentence: 'Answers, but does not tell which meter it is.' };
  const fits = toldSerial === wanted || (deviceName?.endsWith(wanted) ?? false);
  if (fits) return { ...told, state: 'found', sentence: `Answers: ${shown}, as the list says.` };
  const way = 'Correct the list, or look which meter hangs there.';
  return { ...told, state: 'other', sentence: `Answers: ${shown}, the list says ${wanted}. ${way}` };
}

function failed(target: BusTarget, error: unknown, wasHeard: boolean): BusFinding {
  const nothing = { ...target, toldSerial: null, deviceName: null, firmware: null };
  if (!wasHeard)
    return {
      ...nothing,
      state: 'silent',
      sentence: 'Nothing answers: no meter has this address, or it has no supply or no wire.',
    };
  if (REFUSALS.some((code) => hasCode(error, code)))
    return {
      ...nothing,
      state: 'refused',
      sentence: `A meter answers and does not let us in: ${reasonOf(error)}.`,
    };
  return {
    ...nothing,
    state: 'garbled',
    sentence:
      'Something answers that is no frame: two meters have this address, or baud rate, parity or termination are wrong. ' +
      'Where other addresses answer well it is the address: switch one of the two off and scan again.',
  };
}

const REFUSALS = [
  'SESSION_ASSOCIATION_REFUSED',
  'SESSION_MECHANISM',
  'SESSION_REFUSED',
  'HDLC_REJECTED',
  'HDLC_NOT_CONNECTED',
] as const;

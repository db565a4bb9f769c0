/** Opens the concentrator's journal with its ballast, and turns what becomes of it into health and log lines. */
import type { Env } from '../base/env.ts';
import type { ClockQuality } from '../wire/block.ts';
import { Ballast } from './journal/ballast.ts';
import type { JournalTrouble } from './journal/load.ts';
import { type OpenTrouble, openJournalIn, wantRenewal } from './journal/open.ts';
import { AUTONOMY_LOW_HOURS, COUNTER_PREFIX } from './limits.ts';
import type { Health, Journal } from './ports.ts';
import type { EdgeSettings } from './settings.ts';

const STORE_NAME = 'journal';
const BALLAST_NAME = 'ballast';

/** Opens the journal in the state folder; throws what `openJournalIn` throws. */
export async function openEdgeJournal(
  env: Env,
  settings: EdgeSettings,
  health: Health,
  clockQuality: () => ClockQuality,
): Promise<Journal> {
  const { stateFolder, ballastOctets, evictionOrder, keepMs, quotaOctets, storeKind } = settings;
  const { disk, clock, random, log, crypto } = env;
  const path = `${stateFolder}/${BALLAST_NAME}`;
  const ballast = ballastOctets === undefined ? null : new Ballast({ disk, random, path, octets: ballastOctets });
  const trouble = (each: JournalTrouble | OpenTrouble) => {
    health.count(`journal_${each.kind.replaceAll('-', '_')}`);
    health.state('journal losses', 'degraded', sentenceOf(each));
    log.warn(`journal.${each.kind}`, { ...each });
  };
  const journal = await openJournalIn({
    disk,
    folder: stateFolder,
    name: STORE_NAME,
    clock,
    random,
    sha256: crypto.sha256,
    clockQuality,
    quotaOctets,
    ...(evictionOrder === undefined ? {} : { evictionOrder }),
    ...(storeKind === undefined ? {} : { storeKind }),
    ...(keepMs === undefined ? {} : { keepMs }),
    ...(ballast === null ? {} : { ballast }),
    numbers: COUNTER_PREFIX,
    trouble,
    openTrouble: trouble,
  });
  const ready = ballast === null || (await ballast.restore());
  if (!ready) health.state('disk', 'degraded', 'The disk has no room for the ballast file. Free some space.');
  return journal;
}

/** The next start begins a fresh journal. */
export function wantFreshJournal({ disk }: Pick<Env, 'disk'>, { stateFolder }: EdgeSettings): Promise<void> {
  return wantRenewal({ disk, folder: stateFolder, name: STORE_NAME });
}

function sentenceOf(trouble: JournalTrouble | OpenTrouble): string {
  switch (trouble.kind) {
    case 'lost-blocks':
      return `Blocks ${trouble.from} to ${trouble.to} of lane ${trouble.lane} are gone (${trouble.cause}); what the meters still hold is read again.`;
    case 'lost-watermarks':
      return `How far the meters of line ${trouble.line} were read is lost; they are read from their oldest rows.`;
    case 'disk-full':
      return 'The disk is full: the ballast file was removed and the oldest readings give way. Free some space.';
    case 'set-aside':
      return `The store was damaged (${trouble.reason}) and is set aside as ${trouble.path}; a new journal was begun.`;
    case 'renewed':
      return `The collector held other blocks than the journal, which had lost its end; it is set aside as ${trouble.path} and a new one was begun.`;
    case 'salvaged':
      return `${trouble.blocks} blocks were taken over from the damaged store ${trouble.path}, ${trouble.unreadable} could not be read; the meters are read from their oldest rows.`;
    case 'salvage-failed':
      return `Nothing could be taken over from the damaged store ${trouble.path} (${trouble.reason}); the meters are read from their oldest rows.`;
    case 'ballast-released':
      return 'The disk is full: the ballast file was removed to open the journal. Free some space.';
  }
}

/** Shows how long the journal lasts without a collector. */
export function tellRoom(journal: Journal, health: Health): void {
  const { quotaOctets, pendingOctets, octetsPerHour, autonomyHours } = journal.room();
  health.gauge('journal_quota_octets', quotaOctets);
  health.gauge('journal_pending_octets', pendingOctets);
  if (octetsPerHour === null || autonomyHours === null) return;
  health.gauge('journal_octets_per_hour', Math.round(octetsPerHour));
  health.gauge('journal_autonomy_hours', Math.floor(autonomyHours));
  const days = Math.floor(autonomyHours / 24);
  const words = days >= 2 ? `${days} days` : `${Math.floor(autonomyHours)} hours`;
  const low = autonomyHours < AUTONOMY_LOW_HOURS;
  health.state('autonomy', low ? 'degraded' : 'ok', `Without a collector the journal lasts another ${words}.`);
}

/** Pushed rows gave way while the journal could not be written. */
export function tellLostPushes(health: Health, rows: number): void {
  health.count('push_rows_lost', rows);
  const sentence =
    'Pushed readings were lost: the journal could not be written for longer than they can be held. Look at the disk.';
  health.state('pushed readings', 'degraded', sentence);
}

/** How a command changes a key of a meter: over the reader's associations, with the ring of keys behind it. */
import { reasonOf } from '../../base/errors.ts';
import type { ObisCode } from '../../dlms/cosem/obis.ts';
import {
  type ActionResult,
  agreedKeys,
  type KeyPair,
  SECURITY_SETUP_CLASS,
  SETUP_METHODS,
  type SetupCall,
  SetupCalls,
  type SetupParties,
  setupAnswer,
} from '../../dlms/index.ts';
import type { KeyName, KeyWay } from '../../model/command.ts';
import type { ClientUse } from '../../profile/schema/profile.ts';
import { edgeError } from '../errors.ts';
import type { KeyChange, KeyOrder, Meter, MeterSecurity } from '../ports.ts';
import { resultWords } from '../result-words.ts';
import { clientFor } from './client-for.ts';
import { askOnce, securitySetupOf, transferCall, transferOf } from './key-orders.ts';
import type { KeyRing } from './key-ring.ts';
import { mechanismOf, type OpenAssociation, usesKeys } from './sessions.ts';

/** Forms of messages under the global keys; the others bring or agree on keys of their own. */
const UNDER_GLOBAL_KEYS: ReadonlySet<string> = new Set(['service', 'general', 'identified-key']);

/** Whom an agreement is between, and what signs it. */
interface Agreement {
  readonly parties: SetupParties;
  readonly signer: KeyPair;
}

interface AgreementOrder {
  readonly key: KeyName;
  readonly commandId: string;
  /** The Security setup that is asked. */
  readonly setup: ObisCode;
}

/** See the head of the file. */
export class ReaderKeyChange implements KeyChange {
  constructor(
    private readonly meter: Meter,
    private readonly ring: KeyRing,
    private readonly associate: (use: ClientUse) => Promise<OpenAssociation>,
    private readonly broken: () => Promise<void>,
    /** An association in the form that needs no encryption key, in the place of the other. */
    private readonly withoutKey: () => Promise<OpenAssociation>,
  ) {}

  refusal(key: KeyName, by: KeyWay): ReturnType<KeyChange['refusal']> {
    const { security } = this.meter;
    if (security?.keys.master === undefined) return 'COMMAND_NO_MASTER_KEY';
    if (key === 'broadcast' && security.keys.broadcast === undefined) return 'COMMAND_NO_BROADCAST_KEY';
    const disagreement = by === 'agreement' ? disagreementOf(this.meter, security, key) : null;
    if (disagreement !== null) return disagreement;
    // An answer proves a master or broadcast key, and must come from the meter.
    return isProvable(this.meter, key === 'authentication' ? key : 'encryption') ? null : 'COMMAND_KEY_UNPROVABLE';
  }

  async prepare(key: KeyName, commandId: string): Promise<KeyOrder> {
    const obis = await this.#securitySetup();
    const { stored, sent } = await this.ring.prepare(this.meter, key, commandId);
    return {
      classId: SECURITY_SETUP_CLASS,
      obis,
      method: SETUP_METHODS.keyTransfer,
      argument: transferOf(key, sent),
      wrapped: stored,
    };
  }

  async agree(
    key: KeyName,
    commandId: string,
  ): Promise<{ readonly result: number; readonly wrapped: Uint8Array | null }> {
    const { security } = this.meter;
    const agreement = security === undefined || security === null ? null : partiesOf(security);
    if (agreement === null) throw edgeError('COMMAND_KEY_UNAGREEABLE', this.meter.meterId);
    await this.ring.mayChange(this.meter, key, commandId);
    if (key === 'encryption') return await this.#agreeOnWayBack(agreement, commandId);
    return await this.#agreeBy((call) => this.#call(call), {
      ...agreement,
      key,
      commandId,
      setup: await this.#securitySetup(),
    });
  }

  async #agreeBy(
    ask: (call: SetupCall) => Promise<ActionResult>,
    { parties, signer, key, commandId, setup }: Agreement & AgreementOrder,
  ): Promise<{ readonly result: number; readonly wrapped: Uint8Array | null }> {
    const ephemeral = { [key]: this.ring.drawPair(signer.curve) };
    const answer = await ask(new SetupCalls(setup).agreement(ephemeral, signer));
    if (answer.actionResult !== 0) return { result: answer.actionResult, wrapped: null };
    const secret = agreedKeys(ephemeral, setupAnswer(answer), parties)[key];
    if (secret === undefined) return { result: answer.actionResult, wrapped: null };
    return { result: answer.actionResult, wrapped: await this.ring.agreed(this.meter, key, secret, commandId) };
  }

  /**
   * Agrees on the encryption key over the way that would lead back: an association without that key, in which the meter has shown that it
   * takes a key. The one that would mend a lost answer is on the disk before the meter hears of the agreement.
   */
  async #agreeOnWayBack(agreement: Agreement, commandId: string): ReturnType<KeyChange['agree']> {
    const { association, setup } = await this.#wayBack();
    try {
      await this.ring.prepareRepair(this.meter, commandId);
      const ask = (call: SetupCall) => askOnce(association, call);
      return await this.#agreeBy(ask, { ...agreement, key: 'encryption', commandId, setup });
    } finally {
      await association.release().catch(() => undefined);
    }
  }

  /** Signs on without the encryption key and transfers a key that the meter has already. */
  async #wayBack(): Promise<{ readonly association: OpenAssociation; readonly setup: ObisCode }> {
    let association: OpenAssociation | null = null;
    try {
      association = await this.withoutKey();
      const setup = await securitySetupOf(association);
      const [probe] = await this.ring.masterProbes(this.meter);
      if (probe === undefined) throw edgeError('COMMAND_NO_MASTER_KEY', this.meter.meterId);
      const { actionResult } = await askOnce(association, transferCall(setup, probe.name, probe.wrapped));
      if (actionResult !== 0) throw edgeError('COMMAND_METER_REFUSED', resultWords(actionResult));
      return { association, setup };
    } catch (error) {
      await association?.release().catch(() => undefined);
      throw edgeError('COMMAND_WAY_BACK_CLOSED', reasonOf(error));
    }
  }

  async prove(key: KeyName, commandId: string, answer: number | null): Promise<boolean> {
    if (key === 'broadcast') return await this.#proveBroadcast(commandId, answer);
    await this.broken();
    await this.associate('control');
    if (key !== 'master' || (await this.#isMasterKnown())) return await this.isProved(commandId);
    throw edgeError('COMMAND_MASTER_UNKNOWN', this.meter.meterId);
  }

  /** Finds out which master key the meter has: false = none that is known here. */
  async #isMasterKnown(): Promise<boolean> {
    const setup = await this.#securitySetup();
    for (const { name, wrapped, isNew } of await this.ring.masterProbes(this.meter)) {
      const { actionResult } = await this.#call(transferCall(setup, name, wrapped));
      if (actionResult !== 0) continue;
      await this.ring.found(this.meter, 'master', isNew);
      return true;
    }
    return false;
  }

  /**
   * The meter's word is the proof: its answer to the order or, when that was lost, to the same key once more, which changes
   * nothing in a meter that has it.
   */
  async #proveBroadcast(commandId: string, answer: number | null): Promise<boolean> {
    const waiting = await this.ring.waiting(this.meter, 'broadcast', commandId);
    const isRefused = answer !== null && answer !== 0;
    if (waiting === null && isRefused) return false;
    // An agreement that gave no key here may have given the meter one.
    if (waiting === null) throw edgeError('COMMAND_BROADCAST_UNKNOWN', this.meter.meterId);
    const result = answer ?? (await this.#handAgain(waiting));
    await this.ring.found(this.meter, 'broadcast', result === 0);
    // It may have taken the key the first time, and refuse it as known the second.
    if (answer === null && result !== 0) throw edgeError('COMMAND_BROADCAST_UNKNOWN', this.meter.meterId);
    return result === 0;
  }

  async #handAgain(sent: Uint8Array): Promise<number> {
    return (await this.#call(transferCall(await this.#securitySetup(), 'broadcast', sent))).actionResult;
  }

  async #call(call: SetupCall): Promise<ActionResult> {
    const association = await this.associate('control');
    try {
      return await askOnce(association, call);
    } catch (error) {
      await this.broken();
      throw error;
    }
  }

  wrapped(key: KeyName, commandId: string): Promise<Uint8Array | null> {
    return this.ring.wrapped(this.meter, key, commandId);
  }

  isProved(commandId: string): Promise<boolean> {
    return this.ring.isProved(this.meter, commandId);
  }

  async #securitySetup(): Promise<ObisCode> {
    return await securitySetupOf(await this.associate('control'));
  }
}

/** Why a key cannot be agreed on, null = it can. */
function disagreementOf(meter: Meter, security: MeterSecurity, key: KeyName): ReturnType<KeyChange['refusal']> {
  if (key === 'authentication') return 'COMMAND_KEY_NEVER_AGREED';
  if (partiesOf(security) === null) return 'COMMAND_KEY_UNAGREEABLE';
  return key === 'encryption' && !hasWayBack(meter, security) ? 'COMMAND_KEY_NO_WAY_BACK' : null;
}

/** Whether the meter may let us in without its encryption key: mechanism 5 proves that very key. */
function hasWayBack(meter: Meter, { recovery, keys }: MeterSecurity): boolean {
  const mechanism = mechanismOf(meter, clientFor(meter, 'control'));
  return recovery !== undefined && mechanism !== 'hls-gmac' && keys.authentication !== null;
}

/** Whom an agreement is between and what signs it; null = the key file has not what it takes. */
function partiesOf({ suite, clientTitle, meterTitle, keys }: MeterSecurity): Agreement | null {
  const { signing, agreement } = keys;
  const suite2Agreement = agreement?.suite2Agreement === true;
  if (suite === 0 || (suite === 2 && !suite2Agreement)) return null;
  if (signing === undefined || clientTitle === null || meterTitle === null) return null;
  const peerSigningKey = signing.peerPublicKey;
  return {
    parties: { suite, clientTitle, serverTitle: meterTitle, peerSigningKey, suite2Agreement },
    signer: signing.own,
  };
}

/** Whether signing on shows that the meter has this key. */
function isProvable(meter: Meter, key: 'encryption' | 'authentication'): boolean {
  const { security } = meter;
  if (security === undefined || security === null) return false;
  const { policy, form = 'service', keys } = security;
  if (!UNDER_GLOBAL_KEYS.has(form) || (key === 'authentication' && keys.authentication === null)) return false;
  if (!usesKeys(mechanismOf(meter, clientFor(meter, 'control')))) return false;
  const { requests, responses } = policy;
  if (requests.authenticated && responses.authenticated) return true;
  if (key === 'encryption' && requests.encrypted && responses.encrypted) return true;
  // Every client that signs on with keys counts as a proof.
  const mechanisms = meter.profile.clients.map((client) => mechanismOf(meter, client)).filter(usesKeys);
  return mechanisms.every((mechanism) => mechanism === 'hls-gmac');
}

/** How a command changes a key of a meter: over the reader's associations, with the ring of keys behind it. */
import type { Data } from '../../dlms/axdr/data.ts';
import { type ObisCode, obisFromOctets, parseObis } from '../../dlms/cosem/obis.ts';
import { GLOBAL_KEY_IDS, SECURITY_SETUP, SECURITY_SETUP_CLASS, SETUP_METHODS } from '../../dlms/index.ts';
import type { KeyName } from '../../model/command.ts';
import type { ClientUse } from '../../profile/schema/profile.ts';
import type { KeyChange, KeyOrder, Meter } from '../ports.ts';
import { dataOf } from './answers.ts';
import type { KeyRing } from './key-ring.ts';
import { clientFor, mechanismOf, type OpenAssociation, usesKeys } from './sessions.ts';

/** The current association, whatever its client; `security_setup_reference` since version 1 of the class. */
const OWN_ASSOCIATION = { classId: 15, instanceId: parseObis('0-0:40.0.0*255'), attributeId: 9, access: null } as const;
const OBIS_OCTETS = 6;
/** Forms of messages under the global keys; the others bring or agree on keys of their own. */
const UNDER_GLOBAL_KEYS: ReadonlySet<string> = new Set(['service', 'general', 'identified-key']);

/** See the head of the file. */
export class ReaderKeyChange implements KeyChange {
  constructor(
    private readonly meter: Meter,
    private readonly ring: KeyRing,
    private readonly associate: (use: ClientUse) => Promise<OpenAssociation>,
    private readonly broken: () => Promise<void>,
  ) {}

  refusal(key: KeyName): ReturnType<KeyChange['refusal']> {
    const { security } = this.meter;
    if (security?.keys.master === undefined) return 'COMMAND_NO_MASTER_KEY';
    return isProvable(this.meter, key) ? null : 'COMMAND_KEY_UNPROVABLE';
  }

  async prepare(key: KeyName, commandId: string): Promise<KeyOrder> {
    const obis = await this.#securitySetup();
    const wrapped = await this.ring.prepare(this.meter, key, commandId);
    const argument: Data = {
      type: 'array',
      value: [
        {
          type: 'structure',
          value: [
            { type: 'enum', value: GLOBAL_KEY_IDS[key] },
            { type: 'octet-string', value: wrapped },
          ],
        },
      ],
    };
    return {
      classId: SECURITY_SETUP_CLASS,
      obis,
      method: SETUP_METHODS.keyTransfer,
      argument,
      wrapped,
    };
  }

  async prove(commandId: string): Promise<boolean> {
    await this.broken();
    await this.associate('control');
    return await this.isProved(commandId);
  }

  isProved(commandId: string): Promise<boolean> {
    return this.ring.isProved(this.meter, commandId);
  }

  /** The Security setup of this association; one that does not name it has the only one. */
  async #securitySetup(): Promise<ObisCode> {
    const association = await this.associate('control');
    const data = dataOf((await association.get([OWN_ASSOCIATION])).at(0));
    const isNamed = data?.type === 'octet-string' && data.value.length === OBIS_OCTETS;
    return isNamed ? obisFromOctets(data.value) : SECURITY_SETUP;
  }
}

/** Whether signing on shows that the meter has this key. */
function isProvable(meter: Meter, key: KeyName): boolean {
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

/** As which client of a profile a meter is spoken to. */
import type { ClientRule, ClientUse } from '../../profile/schema/profile.ts';
import { edgeError } from '../errors.ts';
import type { Meter } from '../ports.ts';

/** The client of the profile for a use; throws READER_NO_CLIENT. */
export function clientFor(meter: Meter, use: ClientUse): ClientRule {
  const clients = meter.profile.clients;
  const wanted = use === 'firmware' && !clients.some((each) => each.uses.includes(use)) ? 'control' : use;
  const client = clients.find((each) => each.uses.includes(wanted));
  if (client === undefined) throw edgeError('READER_NO_CLIENT', `${meter.profile.key}, ${use}`);
  return client;
}

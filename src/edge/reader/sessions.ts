/** How a reader gets at its meters: an open line, and an association with one of them. */
import type { Env } from '../../base/env.ts';
import { clientTransport } from '../../dlms/frame/client-transport.ts';
import type { Authentication } from '../../dlms/session/association.ts';
import { type MeterSession, openSession } from '../../dlms/session/meter-session.ts';
import { LineDriver } from '../../link/drive.ts';
import type { LineLink } from '../../link/link.ts';
import { type ClientRule, type ClientUse, hasQuirk } from '../../profile/schema/profile.ts';
import { edgeError } from '../errors.ts';
import type { Meter } from '../ports.ts';

/** What is used of an association. */
export type OpenAssociation = Pick<MeterSession, 'get' | 'action' | 'release'>;

/** Opens associations; `discarded` hears what came and could not be used. */
export interface SessionOpener {
  open(meter: Meter, client: ClientRule, discarded: (code: string, octets: number) => void): Promise<OpenAssociation>;
  /** Closes the line; the next association opens it again. */
  closeLine(): void;
}

/** The client of the profile for a use; throws READER_NO_CLIENT. */
export function clientFor(meter: Meter, use: ClientUse): ClientRule {
  const client = meter.profile.clients.find((each) => each.uses.includes(use));
  if (client === undefined) throw edgeError('READER_NO_CLIENT', `${meter.profile.key}, ${use}`);
  return client;
}

/** Associations over a real link. */
export class LinkSessions implements SessionOpener {
  #driver: LineDriver | null = null;

  constructor(
    private readonly link: LineLink,
    private readonly env: Env,
  ) {}

  async open(
    meter: Meter,
    client: ClientRule,
    discarded: (code: string, octets: number) => void,
  ): Promise<OpenAssociation> {
    const driver = await this.#line();
    const { profile } = meter;
    const rule = profile.hdlc;
    const framing = this.link.framing === 'hdlc' ? 'hdlc' : 'wrapper';
    const transport = clientTransport(
      framing,
      {
        client: client.address,
        logical: meter.logicalDevice,
        physical: meter.physicalDevice,
        ...(rule === null || meter.physicalDevice === null ? {} : { addressBytes: rule.addressOctets }),
      },
      { octetMs: this.link.octetMs, gapMs: this.link.gapMs, ...(rule === null ? {} : { parameters: sizesOf(rule) }) },
    );
    return await openSession(driver, transport, {
      authentication: authenticationOf(meter, client),
      release: !hasQuirk(profile, 'no-release', null),
      ...(hasQuirk(profile, 'no-with-list', null) ? { listItemsMax: 1 } : {}),
      onEvent: (event) => {
        if (event.kind === 'discarded') discarded(event.code, event.octets.length);
      },
    });
  }

  closeLine(): void {
    this.#driver?.close();
    this.#driver = null;
  }

  async #line(): Promise<LineDriver> {
    if (this.#driver?.isOpen === true) return this.#driver;
    const duplex = await this.link.open();
    this.#driver = new LineDriver(duplex, this.env);
    return this.#driver;
  }
}

function sizesOf(rule: { readonly informationMaxOctets: number; readonly window: number }) {
  return {
    informationTransmitBytes: rule.informationMaxOctets,
    informationReceiveBytes: rule.informationMaxOctets,
    windowTransmit: 1,
    windowReceive: rule.window,
  };
}

function authenticationOf(meter: Meter, client: ClientRule): Authentication {
  if (client.security === 'none') return { mechanism: 'none' };
  if (client.security !== 'lls') throw edgeError('READER_SECURITY', `${client.name}: ${client.security}`);
  if (meter.password === null) throw edgeError('READER_NO_PASSWORD', meter.meterId);
  return { mechanism: 'lls', password: meter.password };
}

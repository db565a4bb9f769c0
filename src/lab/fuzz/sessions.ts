/** Fuzz targets that are associations: octets of a hostile peer into a client, and into a server, in each of their states. */
import { fromHex } from '../../base/bytes.ts';
import { serverAddress } from '../../dlms/frame/hdlc-address.ts';
import { HdlcClient } from '../../dlms/frame/hdlc-client.machine.ts';
import { HdlcServer } from '../../dlms/frame/hdlc-server.machine.ts';
import { WrapperClient, WrapperServer } from '../../dlms/frame/wrapper.machine.ts';
import { encodeWrapper } from '../../dlms/frame/wrapper-frame.ts';
import { hasServiceCiphering, sealGeneral, sealService } from '../../dlms/security/ciphering.ts';
import { CounterReceiver, CounterSender } from '../../dlms/security/counters.ts';
import { SecretKey } from '../../dlms/security/secret-key.ts';
import { PROTECTED } from '../../dlms/security/secure-channel.ts';
import { ClientSession, type ClientSessionEvent } from '../../dlms/session/client.machine.ts';
import type { ClientSecurity } from '../../dlms/session/client-guard.ts';
import type { ServerClient } from '../../dlms/session/object-model.ts';
import type { MeterRequest } from '../../dlms/session/request.ts';
import { ServerSession, type ServerSessionEvent } from '../../dlms/session/server.machine.ts';
import { encodeApdu } from '../../dlms/xdlms/codec.ts';
import { drain } from './machines.ts';
import { FuzzMeter, PROFILE, PUBLIC_SAP, REGISTER, RELAY, TEXT } from './meter.ts';
import type { SeedKind } from './seed.ts';
import { type FuzzTarget, must } from './target.ts';

const SAP = 1;
const SECURE_SAP = 32;
const LOGICAL = 1;
const PASSWORD = fromHex('3132333435363738');
const CLIENT_TITLE = fromHex('4d4d4d0000000001');
const SERVER_TITLE = fromHex('4d4d4d0000bc614e');
const KEYS = {
  encryption: new SecretKey(fromHex('000102030405060708090a0b0c0d0e0f')),
  authentication: new SecretKey(fromHex('d0d1d2d3d4d5d6d7d8d9dadbdcdddedf')),
};
const POLICY = { requests: PROTECTED, responses: PROTECTED };
/** Counters of the attacker's sealed messages: above everything that was said before. */
const SEALED_FROM = 1_000;
/** Times that a hostile answer is repeated while the client keeps asking: endless blocks. */
const REPEATS = 3;
const SERVER_PDU_MAX_BYTES = 256;
/** What a server may answer to one APDU, framed: its own PDU, or what the client takes, and the framing around it. */
const ANSWER_MAX_BYTES = 65_535 + 64;

type Framing = 'wrapper' | 'hdlc';
type Side = 'client' | 'server';

interface Setting {
  readonly framing: Framing;
  readonly secure: boolean;
  readonly sap: number;
}

/** Both ends of an association in memory. */
class Association {
  readonly meter = new FuzzMeter();
  readonly client: ClientSession;
  readonly server: ServerSession;
  readonly events: ClientSessionEvent[] = [];
  readonly served: ServerSessionEvent[] = [];

  constructor({ framing, secure, sap }: Setting) {
    const hdlc = framing === 'hdlc';
    const authentication = sap === PUBLIC_SAP ? ({ mechanism: 'none' } as const) : LLS;
    this.client = new ClientSession(
      hdlc
        ? new HdlcClient({ client: sap, server: serverAddress(LOGICAL, 17), responseTimeoutMs: 50, retries: 1 })
        : new WrapperClient({ client: sap, server: LOGICAL }),
      { authentication, security: secure ? clientSecurity() : null, requestTimeoutMs: 1_000, readRetries: 1 },
    );
    this.server = new ServerSession(hdlc ? new HdlcServer({ physicalDevice: 17 }) : new WrapperServer(), {
      model: this.meter,
      serverPduMaxBytes: SERVER_PDU_MAX_BYTES,
      systemTitle: SERVER_TITLE,
      clients: [
        { sap: SAP, authentication: LLS },
        { sap: PUBLIC_SAP, authentication: { mechanism: 'none' } },
        { sap: SECURE_SAP, authentication: LLS, security: serverSecurity() },
      ],
    });
  }

  /** Lets both talk until neither has anything to say. */
  talk(): void {
    for (let turns = 0; turns < 40; turns++) {
      if (this.client.deadlineMs() === 0) this.events.push(...this.client.tick(0));
      const asked = this.client.takeOutput();
      for (const octets of asked) this.served.push(...this.server.receive(octets, 0));
      const said = this.server.takeOutput();
      for (const octets of said) this.events.push(...this.client.receive(octets, 0));
      if (asked.length === 0 && said.length === 0) return;
    }
  }

  /** Associates. */
  open(): this {
    this.client.connect(0);
    this.talk();
    must(this.client.state === 'associated', 'the association that is to be attacked does not open');
    return this;
  }
}

const LLS = { mechanism: 'lls', password: PASSWORD } as const;

function clientSecurity(): ClientSecurity {
  return {
    suite: 0,
    clientTitle: CLIENT_TITLE,
    serverTitle: SERVER_TITLE,
    keys: KEYS,
    counter: CounterSender.unreserved(1),
    serverCounter: new CounterReceiver(),
    policy: POLICY,
  };
}

function serverSecurity(): NonNullable<ServerClient['security']> {
  return {
    suite: 0,
    clientTitle: null,
    keys: KEYS,
    counter: CounterSender.unreserved(1),
    clientCounter: new CounterReceiver(),
    policy: POLICY,
  };
}

/** What the client is waiting for when the answer comes; chosen by the input. */
const REQUESTS: readonly MeterRequest[] = [
  { service: 'get', items: [REGISTER] },
  { service: 'get', items: [PROFILE] },
  { service: 'get', items: Array.from({ length: 5 }, () => REGISTER) },
  { service: 'set', items: [{ attribute: TEXT, value: { type: 'octet-string', value: new Uint8Array(400) } }] },
  { service: 'action', items: [{ method: RELAY, parameters: { type: 'integer', value: 0 } }] },
];

/** Seals as the holder of the keys would: what is mutated is the message inside. */
function sealed(octets: Uint8Array, title: Uint8Array, invocationCounter: number): Uint8Array {
  const options = {
    suite: 0,
    authenticated: true,
    encrypted: true,
    title,
    keys: KEYS,
    keySet: 'unicast',
    invocationCounter,
  } as const;
  const service = octets.length % 4 !== 0 && hasServiceCiphering(octets);
  return encodeApdu(service ? sealService(octets, options) : sealGeneral(octets, options));
}

function framed(apdu: Uint8Array, sap: number, from: Side): Uint8Array {
  const [source, destination] = from === 'server' ? [LOGICAL, sap] : [sap, LOGICAL];
  return encodeWrapper({ source, destination, apdu });
}

/** After whatever it heard the client ends: once for each request, once for the session. */
function checkClientEnds(association: Association, asked: number): void {
  const { client, events } = association;
  client.release(0);
  events.push(...drain(client, new Uint8Array(0), 1));
  must(client.state === 'closed', `the client ends in state ${client.state}`);
  const ends = (kind: ClientSessionEvent['kind']): number => events.filter((event) => event.kind === kind).length;
  must(ends('done') === asked, `${ends('done')} outcomes of ${asked} requests`);
  must(ends('closed') === 1, `closed ${ends('closed')} times`);
}

/** After whatever it heard the server serves a good client that comes along. */
function checkServerServes(server: ServerSession): void {
  const client = new ClientSession(new WrapperClient({ client: SAP, server: LOGICAL }), { authentication: LLS });
  client.connect(0);
  const events: ClientSessionEvent[] = [...client.tick(0)];
  client.request({ service: 'get', items: [REGISTER] }, 0);
  for (let turns = 0; turns < 4; turns++) {
    for (const octets of client.takeOutput()) server.receive(octets, 0);
    for (const octets of server.takeOutput()) events.push(...client.receive(octets, 0));
  }
  must(
    events.some((event) => event.kind === 'done' && event.outcome.kind === 'answered'),
    'a good client is not served any more',
  );
}

/** A hostile meter: what it says while the client waits. */
function hostileMeter(name: string, weight: number, setting: Setting, kinds: readonly SeedKind[]): FuzzTarget {
  return {
    name,
    kinds,
    weight,
    open: () => {
      const association = new Association(setting).open();
      return (octets) => {
        if (octets.length === 0) return null;
        const { client, events } = association;
        const request = REQUESTS[octets.length % REQUESTS.length];
        if (request !== undefined) client.request(request, 0);
        client.takeOutput();
        for (let times = 0; times < REPEATS; times++) {
          if (setting.framing === 'hdlc') events.push(...client.receive(octets, 0));
          else {
            const apdu = setting.secure ? sealed(octets, SERVER_TITLE, SEALED_FROM + times) : octets;
            events.push(...client.receive(framed(apdu, setting.sap, 'server'), 0));
          }
          if (client.takeOutput().length === 0) break;
        }
        return () => checkClientEnds(association, 1);
      };
    },
  };
}

/** A hostile meter from the first octet: what it answers to the AARQ. */
function hostileAssociation(weight: number): FuzzTarget {
  return {
    name: 'client-aare',
    kinds: ['apdu'],
    weight,
    open: () => {
      const association = new Association({ framing: 'wrapper', secure: true, sap: SECURE_SAP });
      association.client.connect(0);
      association.events.push(...association.client.tick(0));
      association.client.takeOutput();
      return (octets) => {
        if (octets.length === 0) return null;
        association.events.push(...association.client.receive(framed(octets, SECURE_SAP, 'server'), 0));
        must(association.client.state !== 'associated', 'an association without the keys');
        return () => checkClientEnds(association, 0);
      };
    },
  };
}

/** A hostile client: what it says, before or in an association. */
function hostileClient(
  name: string,
  weight: number,
  setting: Setting & { readonly associated: boolean; readonly sealed: boolean },
  kinds: readonly SeedKind[] = ['apdu'],
): FuzzTarget {
  return {
    name,
    kinds,
    weight,
    open: () => {
      const association = new Association(setting);
      if (setting.associated) association.open();
      return (octets) => {
        if (octets.length === 0) return null;
        const { server, meter } = association;
        const apdu = setting.sealed ? sealed(octets, CLIENT_TITLE, SEALED_FROM) : octets;
        server.receive(setting.framing === 'hdlc' ? octets : framed(apdu, setting.sap, 'client'), 0);
        const said = server.takeOutput().reduce((sum, { length }) => sum + length, 0);
        must(said <= ANSWER_MAX_BYTES, `an answer of ${said} octets`);
        const mayTouch = setting.associated && setting.sap !== PUBLIC_SAP && (!setting.secure || setting.sealed);
        must(mayTouch || meter.touched === 0, 'a client without rights wrote, or moved the relay');
        const served = setting.framing === 'wrapper' && octets.length % 8 === 0;
        return served ? () => checkServerServes(server) : null;
      };
    },
  };
}

const PLAIN: Setting = { framing: 'wrapper', secure: false, sap: SAP };
const SECURE: Setting = { framing: 'wrapper', secure: true, sap: SECURE_SAP };

/** The associations. */
export const SESSIONS: readonly FuzzTarget[] = [
  hostileMeter('client-answer', 2, PLAIN, ['apdu']),
  hostileMeter('client-answer-ciphered', 1, SECURE, ['apdu']),
  hostileMeter('client-hdlc', 1, { ...PLAIN, framing: 'hdlc' }, ['hdlc']),
  hostileAssociation(1),
  hostileClient('server-first', 2, { ...SECURE, associated: false, sealed: false }),
  hostileClient('server-request', 3, { ...PLAIN, associated: true, sealed: false }),
  hostileClient('server-public', 1, { ...PLAIN, sap: PUBLIC_SAP, associated: true, sealed: false }),
  hostileClient('server-ciphered', 1, { ...SECURE, associated: true, sealed: true }),
  hostileClient('server-forged', 1, { ...SECURE, associated: true, sealed: false }),
  hostileClient('server-hdlc', 1, { ...PLAIN, framing: 'hdlc', associated: true, sealed: false }, ['hdlc']),
];

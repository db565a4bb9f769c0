/**
 * The certificates of one meter, over an association that is open: its Security setup (class 64 version 1) lists them, makes key
 * pairs and requests, takes certificates and forgets them. The work of `deltawatt certificates`.
 *
 * Whatever changes the meter is checked before it is asked, asked once and never repeated, and read back afterwards. Private
 * keys of the meter do not leave it, and none of ours is touched.
 */
import { sameOctets, toHex } from '../base/bytes.ts';
import type { Data } from '../dlms/axdr/data.ts';
import type { ObisCode } from '../dlms/cosem/obis.ts';
import {
  type ActionResult,
  type Certificate,
  certificateIn,
  certificateNameText,
  checkBelieved,
  checkFits,
  checkIssued,
  checkValidAt,
  type IssuerTrust,
  isListed,
  type ListedCertificate,
  listedCertificates,
  type MeterSession,
  type PairUse,
  parseCertificate,
  parseCertificateRequest,
  SECURITY_SETUP_CLASS,
  type SetupCall,
  SetupCalls,
  SUITES,
  type SuiteId,
  securityError,
  serialText,
  setupAnswer,
  titleName,
} from '../dlms/index.ts';
import { isSecurityError } from '../dlms/security/errors.ts';
import { TITLE_BYTES } from '../dlms/security/limits.ts';
import { DATA_ACCESS_RESULTS, nameOf } from '../dlms/xdlms/results.ts';
import { askOnce, securitySetupOf } from '../edge/reader/key-orders.ts';

/** What is used of a session. */
type Asking = Pick<MeterSession, 'get' | 'action'>;

/** Whose certificate is brought to the meter. */
export type Whose = 'meter' | 'client' | 'authority';

/** A certificate of the list, looked into. */
export interface HeldCertificate extends ListedCertificate {
  /** The certificate itself, or why the meter does not give it. */
  readonly content: Certificate | { readonly problem: string };
}

/** What a meter asks an authority for. */
export interface CertificateOrder {
  readonly use: PairUse;
  readonly commonName: string;
  /** PKCS #10, DER. */
  readonly octets: Uint8Array;
}

/** A certificate that is to be brought to the meter. */
export interface ImportWish {
  /** X.509, DER. */
  readonly octets: Uint8Array;
  readonly whose: Whose;
  /** Who may have issued it, and numbers that are revoked; null = its issuer is not checked. */
  readonly trust: IssuerTrust | null;
  /** UTC ms. */
  readonly nowMs: number;
}

/** What a Security setup object says of itself. */
interface SetupFacts {
  readonly suite: SuiteId;
  /** Null = the meter names no client. */
  readonly clientTitle: Uint8Array | null;
  readonly meterTitle: Uint8Array;
  readonly listed: readonly ListedCertificate[];
}

const ATTRIBUTES = { suite: 3, clientTitle: 4, serverTitle: 5, certificates: 6 } as const;

/** See the head of the file. */
export class MeterCertificates {
  readonly #calls: SetupCalls;

  private constructor(
    private readonly session: Asking,
    /** The Security setup that is asked. */
    readonly setup: ObisCode,
    private facts: SetupFacts,
  ) {
    this.#calls = new SetupCalls(setup);
  }

  /**
   * Reads what the Security setup says of itself; without `setup` the one that the association names. Rejects with
   * SECURITY_CERTIFICATE where it has no certificates, and with what the session rejects with.
   */
  static async open(session: Asking, setup?: ObisCode): Promise<MeterCertificates> {
    const obis = setup ?? (await securitySetupOf(session));
    return new MeterCertificates(session, obis, await factsOf(session, obis));
  }

  get suite(): SuiteId {
    return this.facts.suite;
  }

  get meterTitle(): Uint8Array {
    return this.facts.meterTitle;
  }

  /** Every certificate, each asked for so that its time is known. */
  async list(): Promise<HeldCertificate[]> {
    const held: HeldCertificate[] = [];
    for (const listed of this.facts.listed) {
      const answer = await this.#ask(this.#calls.exportCertificate(choiceOf(listed)));
      held.push({ ...listed, content: contentOf(listed, answer) });
    }
    return held;
  }

  /** The request for a pair: a new one, or the one that waits already. Rejects with SECURITY_SETUP_REFUSED and SECURITY_CERTIFICATE. */
  async request(use: PairUse, { isNewPair }: { readonly isNewPair: boolean }): Promise<CertificateOrder> {
    const curve = this.#curve();
    if (isNewPair) setupAnswer(await this.#ask(this.#calls.generateKeyPair(use)));
    const order = await this.#waiting(use);
    const { commonName, curve: given } = parseCertificateRequest(order);
    if (commonName.toUpperCase() !== titleName(this.meterTitle))
      throw securityError('SECURITY_CERTIFICATE', `the meter ${titleName(this.meterTitle)} asks for "${commonName}"`);
    if (given !== curve) throw securityError('SECURITY_CERTIFICATE', `the meter made a pair on ${given}, not ${curve}`);
    return { use, commonName, octets: order };
  }

  async #waiting(use: PairUse): Promise<Uint8Array> {
    const data = setupAnswer(await this.#ask(this.#calls.generateCertificateRequest(use)));
    if (data?.type !== 'octet-string') throw securityError('SECURITY_CERTIFICATE', 'the meter gave no request');
    return data.value;
  }

  /** Brings a certificate to the meter, unless it does not fit. Rejects with SECURITY_CERTIFICATE and SECURITY_SETUP_REFUSED. */
  async import(wish: ImportWish): Promise<HeldCertificate> {
    const certificate = parseCertificate(wish.octets);
    checkValidAt(certificate, wish.nowMs);
    if (wish.trust !== null) checkBelieved(certificate, wish.trust, wish.nowMs);
    await this.#checkWhose(certificate, wish);
    setupAnswer(await this.#ask(this.#calls.importCertificate(certificate.octets)));
    await this.#readAgain();
    const found = this.facts.listed.find((each) => isListed(each, certificate));
    if (found === undefined)
      throw securityError('SECURITY_CERTIFICATE', 'the meter said that it took it, and does not list it');
    return { ...found, content: certificate };
  }

  async #checkWhose(certificate: Certificate, { whose, nowMs }: ImportWish): Promise<void> {
    if (whose === 'authority') {
      if (!certificate.isAuthority) throw securityError('SECURITY_CERTIFICATE', 'it is for no certification authority');
      if (sameOctets(certificate.subject, certificate.issuer)) checkIssued(certificate, certificate, nowMs);
      return;
    }
    const use = useOf(certificate);
    const curve = this.#curve();
    if (whose === 'client') {
      const { clientTitle } = this.facts;
      // A meter that names no client takes any that has the keys.
      const title = clientTitle ?? certificate.title ?? new Uint8Array(0);
      checkFits(certificate, { title, use, curve });
      if (sameOctets(title, this.meterTitle)) throw securityError('SECURITY_CERTIFICATE', 'it is for the meter itself');
      return;
    }
    checkFits(certificate, { title: this.meterTitle, use, curve });
    const { publicKey } = parseCertificateRequest(await this.#waitingFor(use));
    checkFits(certificate, { title: this.meterTitle, use, curve, publicKey });
  }

  /** The request that the meter would make again: only a pair that waits gets a certificate. */
  async #waitingFor(use: PairUse): Promise<Uint8Array> {
    try {
      return await this.#waiting(use);
    } catch (error) {
      throw securityError('SECURITY_CERTIFICATE', `no pair for ${use} waits in the meter; request makes one`, error);
    }
  }

  /** The certificate itself. Rejects with SECURITY_CERTIFICATE and SECURITY_SETUP_REFUSED. */
  async export(issuer: string, serial: string): Promise<HeldCertificate & { readonly content: Certificate }> {
    const listed = this.#chosen(issuer, serial);
    return { ...listed, content: given(listed, await this.#ask(this.#calls.exportCertificate(choiceOf(listed)))) };
  }

  /** Has the meter forget one certificate; rejects with SECURITY_CERTIFICATE when it still lists it, SECURITY_SETUP_REFUSED. */
  async remove(issuer: string, serial: string): Promise<ListedCertificate> {
    const listed = this.#chosen(issuer, serial);
    setupAnswer(await this.#ask(this.#calls.removeCertificate(choiceOf(listed))));
    await this.#readAgain();
    if (this.facts.listed.some((each) => isSame(each, listed)))
      throw securityError('SECURITY_CERTIFICATE', 'the meter said that it removed it, and still lists it');
    return listed;
  }

  /** The one certificate of this issuer (its name, or all of it in hexadecimal digits) with this number. */
  #chosen(issuer: string, serial: string): ListedCertificate {
    const wanted = serial.toLowerCase().replace(/^(?:00)+(?=..)/, '');
    const found = this.facts.listed.filter(
      (each) => serialText(each.serial) === wanted && namesOf(each.issuer).includes(issuer),
    );
    const [one, another] = found;
    if (one === undefined)
      throw securityError('SECURITY_CERTIFICATE', `the meter lists none with number ${wanted} of "${issuer}"`);
    if (another !== undefined)
      throw securityError(
        'SECURITY_CERTIFICATE',
        `the meter lists ${found.length} with number ${wanted} of "${issuer}"`,
      );
    return one;
  }

  #curve(): 'P-256' | 'P-384' {
    const { curve } = SUITES[this.suite];
    if (curve === null)
      throw securityError('SECURITY_CERTIFICATE', 'the meter is in security suite 0, which has no certificates');
    return curve;
  }

  async #ask(call: SetupCall): Promise<ActionResult> {
    return await askOnce(this.session, call);
  }

  async #readAgain(): Promise<void> {
    this.facts = await factsOf(this.session, this.setup);
  }
}

async function factsOf(session: Asking, setup: ObisCode): Promise<SetupFacts> {
  const ids: readonly number[] = Object.values(ATTRIBUTES);
  const results = await session.get(
    ids.map((attributeId) => ({ classId: SECURITY_SETUP_CLASS, instanceId: setup, attributeId, access: null })),
  );
  const dataIn = (attribute: number): Data => {
    const result = results[ids.indexOf(attribute)];
    if (result !== undefined && 'data' in result) return result.data;
    const reason = result === undefined ? 'no answer' : nameOf(DATA_ACCESS_RESULTS, result.dataAccessResult);
    throw securityError('SECURITY_CERTIFICATE', `attribute ${attribute} of ${setup}: ${reason}; ${WAY_OUT}`);
  };
  const suite = dataIn(ATTRIBUTES.suite);
  const listed = listedCertificates(dataIn(ATTRIBUTES.certificates));
  const meterTitle = titleIn(dataIn(ATTRIBUTES.serverTitle));
  if (suite.type !== 'enum' || !isSuite(suite.value) || listed === null || meterTitle === null)
    throw securityError('SECURITY_CERTIFICATE', `the attributes of ${setup} have another shape`);
  return { suite: suite.value, clientTitle: titleIn(dataIn(ATTRIBUTES.clientTitle)), meterTitle, listed };
}

/** What export_certificate gave; throws SECURITY_CERTIFICATE when it is not the one that was chosen. */
function given(listed: ListedCertificate, answer: ActionResult): Certificate {
  const content = certificateIn(setupAnswer(answer));
  if (!isListed(listed, content)) throw securityError('SECURITY_CERTIFICATE', 'the meter gave another one');
  return content;
}

/** The same for a list, which one certificate that cannot be read must not end. */
function contentOf(listed: ListedCertificate, answer: ActionResult): HeldCertificate['content'] {
  try {
    return given(listed, answer);
  } catch (error) {
    if (isSecurityError(error)) return { problem: error.detail };
    throw error;
  }
}

const WAY_OUT = 'sign on as a client that may read it, or the object is of version 0, which has no certificates';

function titleIn(data: Data): Uint8Array | null {
  return data.type === 'octet-string' && data.value.length === TITLE_BYTES ? data.value : null;
}

function isSuite(value: number): value is SuiteId {
  return value in SUITES;
}

function useOf({ use }: Certificate): PairUse {
  if (use === 'signature' || use === 'agreement') return use;
  throw securityError('SECURITY_CERTIFICATE', `its key usage is ${use}, neither signature nor agreement`);
}

function choiceOf({ serial, issuer }: ListedCertificate): { by: 'serial'; serial: Uint8Array; issuer: Uint8Array } {
  return { by: 'serial', serial, issuer };
}

/** How an issuer may be called: by its common name, or by all of its name in hexadecimal digits. */
function namesOf(issuer: Uint8Array): string[] {
  return [certificateNameText(issuer), toHex(issuer)];
}

function isSame(a: ListedCertificate, b: ListedCertificate): boolean {
  return sameOctets(a.serial, b.serial) && sameOctets(a.issuer, b.issuer);
}

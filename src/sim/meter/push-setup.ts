/**
 * Push setup (class 40, version 0) of a simulated meter: what it pushes and where to, how soon after its time, how often it
 * tries again. One for each list of the profile; a client with control rights sets them, and its method pushes at once.
 */
import type { Data } from '../../dlms/axdr/data.ts';
import { type ObisCode, obisToOctets, parseObis } from '../../dlms/cosem/obis.ts';
import { RESULT } from '../../dlms/session/object-model.ts';
import type { Profile, PushRule } from '../../profile/schema/profile.ts';
import { type SimObject, simObject } from './objects/object.ts';

const PUSH_SETUP_CLASS = 40;
const ATTRIBUTE = { objects: 2, destination: 3, window: 4, randomisation: 5, retries: 6, repetition: 7 };
const PUSH_METHOD = 1;
const TRANSPORT_TCP = 0;
const MESSAGE_A_XDR = 0;
const DATA_CLASS = 1;
const REGISTER_CLASS = 3;
const VALUE_ATTRIBUTE = 2;
const RETRIES_DEFAULT = 3;
const REPETITION_DEFAULT_S = 10;
const DESTINATION = /^(\[[0-9a-fA-F:]+\]|[^:\s]+):(\d{1,5})$/;

/** A place to connect to. */
export interface PushDestination {
  readonly host: string;
  readonly port: number;
}

/** The lists that a simulated meter pushes: one for each period, the fullest, and none that belongs to a variant. */
export function pushListsOf(rules: readonly PushRule[]): PushRule[] {
  const chosen = new Map<number | null, PushRule>();
  for (const rule of rules) {
    const other = chosen.get(rule.periodS);
    const isVariant = rule.layout === 'obis' && rule.obisText !== null && rules.length > 1;
    if (!isVariant && (other === undefined || rule.positions.size > other.positions.size))
      chosen.set(rule.periodS, rule);
  }
  return [...chosen.values()];
}

/** `host:port` in parts; null when it is not written so. */
export function destinationOf(text: string): PushDestination | null {
  const [, host = '', port = ''] = DESTINATION.exec(text) ?? [];
  const number = Number(port);
  return host === '' || number < 1 || number > 65_535 ? null : { host: host.replace(/^\[(.*)\]$/, '$1'), port: number };
}

/** One Push setup. */
export class PushSetup {
  readonly obis: ObisCode;
  /** Longest wait after the time of a push, s; the moment is drawn. */
  randomisationS = 0;
  /** How often a push is tried again. */
  retries = RETRIES_DEFAULT;
  /** Wait before it is tried again, s. */
  repetitionS = REPETITION_DEFAULT_S;
  /** Where it pushes to, `host:port`; empty = nowhere. */
  destinationText = '';
  /** Called by the method push. */
  onPush: (() => void) | null = null;

  /** The setup of a list; `at` counts the setups of a meter. */
  constructor(
    readonly rule: PushRule,
    at: number,
    private readonly profile: Profile,
  ) {
    this.obis = parseObis(`0-${at}:25.9.0*255`);
  }

  /** Where to connect to, null = nowhere. */
  get destination(): PushDestination | null {
    return destinationOf(this.destinationText);
  }

  /** As an object of the meter. */
  object(): SimObject {
    const number = (value: number): Data => ({ type: 'long-unsigned', value });
    return simObject({
      classId: PUSH_SETUP_CLASS,
      version: 0,
      obis: this.obis,
      writable: [ATTRIBUTE.destination, ATTRIBUTE.randomisation, ATTRIBUTE.retries, ATTRIBUTE.repetition],
      methods: [PUSH_METHOD],
      values: {
        [ATTRIBUTE.objects]: () => this.#objects(),
        [ATTRIBUTE.destination]: () => this.#destination(),
        // Any time: windows are not kept, and so cannot be written.
        [ATTRIBUTE.window]: () => ({ type: 'array', value: [] }),
        [ATTRIBUTE.randomisation]: () => number(this.randomisationS),
        [ATTRIBUTE.retries]: () => ({ type: 'unsigned', value: this.retries }),
        [ATTRIBUTE.repetition]: () => number(this.repetitionS),
      },
      write: (attribute, value) => this.#write(attribute, value),
      invoke: () => {
        if (this.onPush === null) return RESULT.temporaryFailure;
        this.onPush();
        return RESULT.success;
      },
    });
  }

  #objects(): Data {
    const targets = [...this.rule.positions.values()];
    const placed = targets.flatMap((target) => (target.kind === 'register' ? [target.register.obis] : []));
    const registers = placed.length > 0 ? placed : this.profile.registers.map(({ obis }) => obis);
    const texts = this.profile.attributes.map(({ obis }) => obis);
    return {
      type: 'array',
      value: [
        ...texts.map((obis) => this.#pushed(DATA_CLASS, obis)),
        ...registers.map((obis) => this.#pushed(REGISTER_CLASS, obis)),
      ],
    };
  }

  #pushed(classId: number, obis: string): Data {
    return {
      type: 'structure',
      value: [
        { type: 'long-unsigned', value: classId },
        { type: 'octet-string', value: obisToOctets(parseObis(obis)) },
        { type: 'integer', value: VALUE_ATTRIBUTE },
        { type: 'long-unsigned', value: 0 },
      ],
    };
  }

  #destination(): Data {
    return {
      type: 'structure',
      value: [
        { type: 'enum', value: TRANSPORT_TCP },
        { type: 'octet-string', value: new TextEncoder().encode(this.destinationText) },
        { type: 'enum', value: MESSAGE_A_XDR },
      ],
    };
  }

  #write(attribute: number, data: Data): number {
    if (attribute === ATTRIBUTE.destination) return this.#writeDestination(data);
    const isNumber = data.type === 'long-unsigned' || data.type === 'unsigned';
    const wanted = attribute === ATTRIBUTE.retries ? 'unsigned' : 'long-unsigned';
    if (!isNumber || data.type !== wanted) return RESULT.typeUnmatched;
    if (attribute === ATTRIBUTE.randomisation) this.randomisationS = data.value;
    else if (attribute === ATTRIBUTE.retries) this.retries = data.value;
    else this.repetitionS = data.value;
    return RESULT.success;
  }

  /** Takes TCP with A-XDR, to `host:port` or to nobody. */
  #writeDestination(data: Data): number {
    const [transport, destination, message] = data.type === 'structure' ? data.value : [];
    if (transport?.type !== 'enum' || destination?.type !== 'octet-string' || message?.type !== 'enum')
      return RESULT.typeUnmatched;
    const text = new TextDecoder().decode(destination.value);
    if (transport.value !== TRANSPORT_TCP || message.value !== MESSAGE_A_XDR) return RESULT.otherReason;
    if (text !== '' && destinationOf(text) === null) return RESULT.otherReason;
    this.destinationText = text;
    return RESULT.success;
  }
}

/**
 * A client's transport to a meter behind a gateway: every APDU goes with the prefix E6 (network and address of the meter)
 * and comes back with E7 (Green Book 10.10). Everything else is the framing towards the gateway.
 */
import { isDlmsError } from '../errors.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import { decodeApdu, encodeApdu } from '../xdlms/codec.ts';
import { type GatewayAddress, sameGatewayAddress } from './gateway-address.ts';
import type { ClientTransport, TransportEvent } from './transport.ts';

/** The transport; `inner` is the framing towards the gateway. */
export class GatewayClient implements ClientTransport {
  readonly reliable: boolean;
  readonly maxInFlight: number;
  readonly #inner: ClientTransport;
  readonly #to: GatewayAddress;

  constructor(inner: ClientTransport, to: GatewayAddress) {
    this.#inner = inner;
    this.#to = to;
    this.reliable = inner.reliable;
    this.maxInFlight = inner.maxInFlight;
  }

  connect(nowMs: number): void {
    this.#inner.connect(nowMs);
  }

  send(apdu: Uint8Array, nowMs: number): void {
    this.#inner.send(encodeApdu({ apdu: 'gateway-request', ...this.#to, content: apdu }), nowMs);
  }

  disconnect(nowMs: number): void {
    this.#inner.disconnect(nowMs);
  }

  receive(chunk: Uint8Array, nowMs: number): TransportEvent[] {
    return this.#unwrapped(this.#inner.receive(chunk, nowMs));
  }

  takeOutput(): Uint8Array[] {
    return this.#inner.takeOutput();
  }

  deadlineMs(): number | null {
    return this.#inner.deadlineMs();
  }

  tick(nowMs: number): TransportEvent[] {
    return this.#unwrapped(this.#inner.tick(nowMs));
  }

  #unwrapped(events: TransportEvent[]): TransportEvent[] {
    return events.map((event) =>
      event.kind === 'apdu' || event.kind === 'unsolicited' ? this.#content(event) : event,
    );
  }

  #content(event: Extract<TransportEvent, { kind: 'apdu' | 'unsolicited' }>): TransportEvent {
    const apdu = prefixed(event.apdu);
    if (apdu === null || !sameGatewayAddress(apdu, this.#to))
      return { kind: 'discarded', code: 'GATEWAY_FOREIGN', octets: event.apdu };
    return { ...event, apdu: apdu.content };
  }
}

/** The octets as an answer of a gateway, or null: what it says without the prefix is for somebody else. */
function prefixed(octets: Uint8Array): Extract<Apdu, { apdu: 'gateway-request' | 'gateway-response' }> | null {
  try {
    const apdu = decodeApdu(octets);
    return apdu.apdu === 'gateway-response' ? apdu : null;
  } catch (error) {
    if (isDlmsError(error)) return null;
    throw error;
  }
}

/** Gateway: an APDU for a device behind the addressed one (tags E6 and E7). */

/** A wrapped APDU. */
export interface GatewayApdu {
  readonly apdu: 'gateway-request' | 'gateway-response';
  readonly networkId: number;
  readonly physicalDeviceAddress: Uint8Array;
  /** The APDU inside. */
  readonly content: Uint8Array;
}

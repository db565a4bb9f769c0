/** How a meter behind a gateway is named: a network, and an address that only the gateway understands. */
import { sameOctets } from '../../base/bytes.ts';

/** Where a gateway passes an APDU on to. */
export interface GatewayAddress {
  /** 0 to 255. */
  readonly networkId: number;
  /** Octets as the gateway wants them; our edge takes the id of the meter as text. */
  readonly physicalDeviceAddress: Uint8Array;
}

/** Whether both name the same device. */
export function sameGatewayAddress(a: GatewayAddress, b: GatewayAddress): boolean {
  return a.networkId === b.networkId && sameOctets(a.physicalDeviceAddress, b.physicalDeviceAddress);
}

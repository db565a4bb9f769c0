/** Gateway: an APDU for a device behind the addressed one (tags E6 and E7). */

import type { ByteReader, ByteWriter } from '../../base/bytes.ts';
import { readOctets, writeOctets } from '../axdr/length.ts';
import type { ApduForm } from './form.ts';
import { form, within } from './form.ts';

/** A wrapped APDU. */
export interface GatewayApdu {
  readonly apdu: 'gateway-request' | 'gateway-response';
  readonly networkId: number;
  readonly physicalDeviceAddress: Uint8Array;
  /** The APDU inside. */
  readonly content: Uint8Array;
}

function readGateway(reader: ByteReader): Omit<GatewayApdu, 'apdu'> {
  return { networkId: reader.u8(), physicalDeviceAddress: readOctets(reader), content: reader.rest() };
}

function writeGateway(writer: ByteWriter, apdu: GatewayApdu): void {
  writer.u8(within(apdu.networkId, 0, 0xff, 'networkId'));
  writeOctets(writer, apdu.physicalDeviceAddress);
  writer.bytes(apdu.content);
}

/** The forms of the gateway services. */
export const GATEWAY_FORMS: readonly ApduForm[] = [
  form<GatewayApdu>(0xe6, null, 'gateway-request', readGateway, writeGateway),
  form<GatewayApdu>(0xe7, null, 'gateway-response', readGateway, writeGateway),
];

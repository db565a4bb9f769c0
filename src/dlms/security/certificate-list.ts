/**
 * Attribute 6 of Security setup (class 64 version 1; Blue Book, Security setup): what a meter tells of its certificates. Meters
 * disagree about names (DER or text) and numbers (with or without the zero octet of a DER integer): octets are kept as they
 * came, because only as they came do they choose a certificate in that meter, and compared without that difference.
 */
import { sameOctets, toHex } from '../../base/bytes.ts';
import type { Data } from '../axdr/data.ts';
import { CERTIFICATE_USES, type Certificate, type CertificateUse, commonNameOf } from './certificate.ts';
import { isSecurityError } from './errors.ts';
import { CERTIFICATE_ENTITIES, type CertificateEntity, nameOfNumber } from './setup-requests.ts';

/** One certificate as the meter lists it. */
export interface ListedCertificate {
  /** Whose; null = a number without a name. */
  readonly entity: CertificateEntity | null;
  /** What for; null = a number without a name. */
  readonly use: CertificateUse | null;
  readonly serial: Uint8Array;
  /** As the meter writes names. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
}

/** The list, in the meter's order; null when the data have another shape. */
export function listedCertificates(data: Data): ListedCertificate[] | null {
  if (data.type !== 'array') return null;
  const listed: ListedCertificate[] = [];
  for (const item of data.value) {
    const [entity, use, serial, issuer, subject] = item.type === 'structure' ? item.value : [];
    if (entity?.type !== 'enum' || use?.type !== 'enum') return null;
    if (serial?.type !== 'octet-string' || issuer?.type !== 'octet-string' || subject?.type !== 'octet-string')
      return null;
    listed.push({
      entity: nameOfNumber(CERTIFICATE_ENTITIES, entity.value),
      use: nameOfNumber(CERTIFICATE_USES, use.value),
      serial: serial.value,
      issuer: issuer.value,
      subject: subject.value,
    });
  }
  return listed;
}

/** A name in words: the common name of one in DER, a printable text as it is, anything else in hexadecimal digits. */
export function certificateNameText(name: Uint8Array): string {
  try {
    const commonName = commonNameOf(name);
    if (commonName !== '') return commonName;
  } catch (error) {
    if (!isSecurityError(error)) throw error;
  }
  const isText = name.length > 0 && name.every((octet) => octet >= 0x20 && octet < 0x7f);
  return isText ? new TextDecoder().decode(name) : toHex(name);
}

/** A serial number as hexadecimal digits, without the zero octets in front that say nothing. */
export function serialText(serial: Uint8Array): string {
  const first = serial.findIndex((octet) => octet !== 0);
  return toHex(first === -1 ? Uint8Array.of(0) : serial.subarray(first));
}

/** Whether the list means this certificate: the same number of the same issuer. */
export function isListed(listed: ListedCertificate, certificate: Certificate): boolean {
  if (serialText(listed.serial) !== serialText(certificate.serial)) return false;
  return sameOctets(listed.issuer, certificate.issuer) || sameName(listed.issuer, certificate.issuer);
}

function sameName(a: Uint8Array, b: Uint8Array): boolean {
  return certificateNameText(a) === certificateNameText(b);
}

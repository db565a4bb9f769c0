/** Certificates of a meter as a table for people and as JSON for programs. Nothing in it is secret. */
import { toHex } from '../base/bytes.ts';
import { pemOf } from '../base/pem.ts';
import { isoText } from '../base/time.ts';
import type { Json, JsonObject } from '../dlms/explain/json.ts';
import { type Certificate, certificateNameText, type ListedCertificate, serialText, titleName } from '../dlms/index.ts';
import type { CertificateOrder, HeldCertificate, MeterCertificates } from './meter-certificates.ts';
import { alignedText } from './text-table.ts';

const DATE_CHARACTERS = 10;

/** A heading and a row for each certificate; `nowMs` says whether they are valid. */
export function certificatesText(meter: MeterCertificates, held: readonly HeldCertificate[], nowMs: number): string {
  const heading = `Meter ${titleName(meter.meterTitle)}, security suite ${meter.suite}: ${held.length} certificates\n`;
  if (held.length === 0) return heading;
  const columns = ['whose', 'for', 'serial', 'issuer', 'subject', 'from', 'until', 'state'];
  const rows = held.map((each) => [...listedCells(each), ...timeCells(each.content), stateOf(each.content, nowMs)]);
  return `${heading}${alignedText({ columns, rows })}`;
}

/** One JSON document. */
export function certificatesJson(
  meter: MeterCertificates,
  held: readonly HeldCertificate[],
  nowMs: number,
): JsonObject {
  return {
    meterTitle: titleName(meter.meterTitle),
    suite: meter.suite,
    setup: meter.setup,
    certificates: held.map((each) => certificateJson(each, nowMs)),
  };
}

/** One certificate in JSON, its octets as PEM where the meter gave them. */
export function certificateJson(held: HeldCertificate, nowMs: number): JsonObject {
  const { content } = held;
  return {
    ...listedJson(held),
    state: stateOf(content, nowMs),
    ...('problem' in content
      ? {}
      : {
          notBefore: isoText(content.notBeforeMs),
          notAfter: isoText(content.notAfterMs),
          publicKey: toHex(content.publicKey),
          pem: certificatePem(content),
        }),
  };
}

/** What the list says of one certificate. */
export function listedJson(listed: ListedCertificate): JsonObject {
  const [whose = '', use = '', serial = '', issuer = '', subject = ''] = listedCells(listed);
  return { whose, for: use, serial, issuer, subject } satisfies Record<string, Json>;
}

/** One certificate in a line. */
export function listedText(listed: ListedCertificate): string {
  const [whose, use, serial, issuer, subject] = listedCells(listed);
  return `certificate of ${whose} for ${use}, serial ${serial} of "${issuer}", subject "${subject}"`;
}

/** A request, to be signed by an authority. */
export function orderPem({ octets }: CertificateOrder): string {
  return pemOf('CERTIFICATE REQUEST', octets);
}

/** A certificate. */
export function certificatePem({ octets }: Certificate): string {
  return pemOf('CERTIFICATE', octets);
}

function listedCells({ entity, use, serial, issuer, subject }: ListedCertificate): string[] {
  return [
    entity === 'server' ? 'meter' : (entity ?? 'unknown'),
    use ?? 'unknown',
    serialText(serial),
    certificateNameText(issuer),
    certificateNameText(subject),
  ];
}

function timeCells(content: HeldCertificate['content']): string[] {
  if ('problem' in content) return ['', ''];
  return [content.notBeforeMs, content.notAfterMs].map((atMs) => isoText(atMs).slice(0, DATE_CHARACTERS));
}

function stateOf(content: HeldCertificate['content'], nowMs: number): string {
  if ('problem' in content) return `not given: ${content.problem}`;
  if (nowMs < content.notBeforeMs) return 'not yet valid';
  return nowMs > content.notAfterMs ? 'expired' : 'valid';
}

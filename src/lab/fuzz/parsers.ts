/** Fuzz targets without a state: the codecs of DLMS, and of the wire. */
import { fromHex, sameOctets, toHex } from '../../base/bytes.ts';
import { DeltawattError } from '../../base/errors.ts';
import type { Data } from '../../dlms/axdr/data.ts';
import { dataFromOctets, dataToOctets } from '../../dlms/axdr/decode.ts';
import { readProfileRows } from '../../dlms/axdr/rows.ts';
import { captureObjectsOf } from '../../dlms/cosem/capture-object.ts';
import { dateTimeFromOctets, dateTimeText, dateTimeToOctets } from '../../dlms/cosem/datetime.ts';
import { notifiedReadings } from '../../dlms/cosem/notified.ts';
import { objectListOf } from '../../dlms/cosem/object-list.ts';
import { entrySelectionOf, rangeSelectionOf } from '../../dlms/cosem/selective-access.ts';
import { wordsOf, wordTableOf } from '../../dlms/cosem/words.ts';
import { explain } from '../../dlms/explain/explain.ts';
import { explanationJson, explanationText } from '../../dlms/explain/text.ts';
import { decodeHdlcParameters, encodeHdlcParameters } from '../../dlms/frame/hdlc-parameters.ts';
import { decodePrime, encodePrime, type PrimeSender } from '../../dlms/frame/prime-message.ts';
import { wrapperRule } from '../../dlms/frame/wrapper-frame.ts';
import { hasServiceCiphering, isCipheredApdu, sealGeneral, sealService } from '../../dlms/security/ciphering.ts';
import { openWith } from '../../dlms/security/opener.ts';
import { SecretKey } from '../../dlms/security/secret-key.ts';
import { parseP1Telegram } from '../../dlms/telegram/p1.ts';
import { parseSmlTelegram } from '../../dlms/telegram/sml.ts';
import { readSmlNodes, writeSmlValues } from '../../dlms/telegram/sml-node.ts';
import { partsOfTelegram } from '../../dlms/telegram/sub-meters.ts';
import { telegramBody } from '../../dlms/telegram/telegram.ts';
import { decodeApdu, encodeApdu } from '../../dlms/xdlms/codec.ts';
import { type Feed, type FuzzTarget, must, parser } from './target.ts';

const TITLE = fromHex('4d4d4d0000bc614e');
const KEYS = {
  encryption: new SecretKey(fromHex('000102030405060708090a0b0c0d0e0f')),
  authentication: new SecretKey(fromHex('d0d1d2d3d4d5d6d7d8d9dadbdcdddedf')),
};
const OPENER = { ...KEYS, title: TITLE };

/** What is taken can be sent, and says the same again. */
export function stable<Value>(decode: (octets: Uint8Array) => Value, encode: (value: Value) => Uint8Array): Feed {
  return (octets) => {
    const value = decode(octets);
    return () => {
      const sent = encode(value);
      must(sameOctets(encode(decode(sent)), sent), 'what was taken changes when it is sent and taken again');
    };
  };
}

const decodedApdu = stable(decodeApdu, encodeApdu);

/** The data readers behind the codec: what a value means. */
function readMeanings(data: Data): null {
  notifiedReadings(data);
  for (const read of [captureObjectsOf, objectListOf]) refusing(() => read(data));
  for (const selector of [1, 2]) {
    const access = { selector, parameters: data };
    refusing(() => (selector === 1 ? rangeSelectionOf(access) : entrySelectionOf(access)));
  }
  return null;
}

/** A refusal in the middle of a feed, after which it goes on. */
function refusing(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof DeltawattError)) throw error;
  }
}

function openCipheredApdu(octets: Uint8Array): null {
  const apdu = decodeApdu(octets);
  if (isCipheredApdu(apdu)) openWith(apdu, OPENER);
  return null;
}

/** Seals what was mutated, so that what stands behind the tag is reached; what comes out is what went in. */
function openSealed(octets: Uint8Array): (() => void) | null {
  const options = {
    suite: 0,
    authenticated: true,
    encrypted: true,
    title: TITLE,
    keys: KEYS,
    keySet: 'unicast',
    invocationCounter: octets.length,
  } as const;
  const general = octets.length % 2 === 0 || !hasServiceCiphering(octets);
  const sealed = encodeApdu(general ? sealGeneral(octets, options) : sealService(octets, options));
  return () => {
    const apdu = decodeApdu(sealed);
    const opened = isCipheredApdu(apdu) ? openWith(apdu, OPENER) : null;
    must(opened?.verified === true && sameOctets(opened.plaintext, octets), 'opened is not what was sealed');
    const changed = sealed.slice();
    changed.set([(changed.at(-1) ?? 0) ^ 1], changed.length - 1);
    const forged = decodeApdu(changed);
    refusing(() => must(isCipheredApdu(forged) && openWith(forged, OPENER) === null, 'a wrong tag is taken'));
  };
}

function checkDateTime(octets: Uint8Array): null {
  for (let at = 0; at + 12 <= octets.length && at < 120; at += 12) {
    const given = octets.subarray(at, at + 12);
    const value = dateTimeFromOctets(given);
    dateTimeText(value);
    must(sameOctets(dateTimeToOctets(value), given), `date-time ${toHex(given)}`);
  }
  return null;
}

function checkLinkParameters(octets: Uint8Array): (() => void) | null {
  const parameters = decodeHdlcParameters(octets);
  if (parameters === null) return null;
  return () => {
    const again = decodeHdlcParameters(encodeHdlcParameters(parameters));
    must(JSON.stringify(again) === JSON.stringify(parameters), 'link parameters change when they are sent');
  };
}

const PRIME_SENDERS: readonly PrimeSender[] = ['base-node', 'concentrator'];
const WRAPPER_RULE = wrapperRule();

/** A wrapper message as one of a PRIME base node and as one to it; what either takes is sent as the same octets. */
function checkPrime(octets: Uint8Array): (() => void) | null {
  const verdict = WRAPPER_RULE.examine(octets);
  if (verdict.kind !== 'accept') return null;
  const taken: (() => void)[] = [];
  for (const sender of PRIME_SENDERS) {
    refusing(() => {
      const message = decodePrime(verdict.frame, sender);
      taken.push(() => {
        const sent = encodePrime(message, sender);
        must(
          sameOctets(sent, octets.subarray(0, verdict.used)),
          `${message.kind} of a ${sender} changes when it is sent`,
        );
      });
    });
  }
  return () => {
    for (const check of taken) check();
  };
}

/** Only fed: nothing to check afterwards. */
export function quiet(run: (octets: Uint8Array) => unknown): Feed {
  return (octets) => {
    run(octets);
    return null;
  };
}

/** The DLMS codecs. */
export const DLMS_PARSERS: readonly FuzzTarget[] = [
  parser('apdu', ['apdu'], 60, decodedApdu),
  parser('data', ['data'], 36, stable(dataFromOctets, dataToOctets)),
  parser('rows', ['data'], 20, quiet(readProfileRows)),
  parser('meanings', ['data'], 6, (octets) => readMeanings(dataFromOctets(octets))),
  parser(
    'words',
    ['data'],
    2,
    quiet((octets) => wordsOf(dataFromOctets(octets))),
  ),
  parser(
    'word-table',
    ['data'],
    1,
    quiet((octets) => wordTableOf(dataFromOctets(octets))),
  ),
  parser('date-time', ['data', 'apdu'], 2, checkDateTime),
  parser('ciphered', ['apdu'], 4, openCipheredApdu),
  parser('sealed', ['apdu'], 3, openSealed),
  parser('telegram', ['telegram', 'sign-on'], 3, (octets) => {
    const telegram = parseP1Telegram(octets);
    const parts = partsOfTelegram(telegram, ['G0']);
    return () => {
      const values = [...parts.values()].flat();
      must(values.length === telegram.values.length, 'a value of a telegram is lost or told twice');
      dataToOctets(telegramBody(values));
    };
  }),
  parser('sml', ['sml'], 4, (octets) => {
    const telegram = parseSmlTelegram(octets);
    return () => dataToOctets(telegramBody(telegram.values));
  }),
  parser('sml-nodes', ['sml'], 2, stable(readSmlNodes, writeSmlValues)),
  parser('link-parameters', ['link-parameters'], 3, checkLinkParameters),
  parser('prime', ['wrapper'], 3, checkPrime),
  parser('explain', ['apdu', 'data', 'hdlc', 'wrapper', 'mbus'], 2, (octets) => {
    const explained = explain(octets);
    return () => {
      explanationText(explained);
      explanationJson(explained);
    };
  }),
];

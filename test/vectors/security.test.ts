/** Every security vector: opened and made again where keys are published, computed where it is a primitive; and the forgeries. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { concat, fromHex, toHex } from '../../src/base/bytes.ts';
import { hasCode } from '../../src/base/errors.ts';
import { shapeOfOctets } from '../../src/dlms/explain/apdu-shape.ts';
import {
  type CipherKeys,
  isCipheredApdu,
  openCiphered,
  type SealOptions,
  sealGeneral,
  sealService,
} from '../../src/dlms/security/ciphering.ts';
import { CounterReceiver, CounterSender } from '../../src/dlms/security/counters.ts';
import { isSignature, keyPairOf, sharedSecret, signOctets } from '../../src/dlms/security/elliptic.ts';
import { isAuthenticated, isEncrypted, protect, unprotect } from '../../src/dlms/security/gcm.ts';
import { checkProof, type HlsContext, type HlsSecret, proofOf } from '../../src/dlms/security/hls.ts';
import { deriveKey } from '../../src/dlms/security/key-agreement.ts';
import { unwrapKey, wrapKey } from '../../src/dlms/security/key-wrap.ts';
import { octetsOfKey, SecretKey } from '../../src/dlms/security/secret-key.ts';
import { suiteOf } from '../../src/dlms/security/suite.ts';
import type { Apdu } from '../../src/dlms/xdlms/apdu.ts';
import { type CipheredApdu, type GeneralSigning, SECURITY_CONTROL } from '../../src/dlms/xdlms/ciphered.ts';
import { decodeApdu, encodeApdu } from '../../src/dlms/xdlms/codec.ts';
import { type Vector, vectors } from './vector.ts';

type Expect = Readonly<Record<string, unknown>>;
type Row = Vector<Expect>;
type Sealed = Exclude<CipheredApdu, GeneralSigning>;

const rows = vectors<Expect>('security');
const text = (value: unknown): string => {
  assert.ok(typeof value === 'string');
  return value;
};
const given = (row: Row, name: string): string => text(row.context?.[name]);
const octets = (row: Row, name: string): Uint8Array => fromHex(given(row, name));
const key = (row: Row, name: string): SecretKey => SecretKey.fromHex(given(row, name));

function keysOf(row: Row): CipherKeys {
  const has = (name: string): boolean => row.context?.[name] !== undefined;
  const encryption = key(row, has('encryptionKey') ? 'encryptionKey' : 'dedicatedKey');
  return {
    encryption,
    broadcast: encryption,
    authentication: has('authenticationKey') ? key(row, 'authenticationKey') : null,
    ...(has('dedicatedKey') ? { dedicated: key(row, 'dedicatedKey') } : {}),
  };
}

function sealed(apdu: Apdu): Sealed {
  assert.ok(isCipheredApdu(apdu) && apdu.apdu !== 'general-signing');
  return apdu;
}

function sealOptions(apdu: Sealed, row: Row, title: Uint8Array): SealOptions {
  const { securityControl, invocationCounter } = apdu;
  const broadcast = (securityControl & SECURITY_CONTROL.broadcastKey) !== 0;
  return {
    suite: suiteOf(securityControl).id,
    authenticated: isAuthenticated(securityControl),
    encrypted: isEncrypted(securityControl),
    keySet: apdu.apdu.includes('ded-') ? 'dedicated' : broadcast ? 'broadcast' : 'unicast',
    title,
    keys: keysOf(row),
    invocationCounter,
  };
}

/** Opens a ciphered APDU and makes it again: the same octets. */
function opensAndSeals(hex: string, row: Row, plaintextHex: string): void {
  const apdu = sealed(decodeApdu(fromHex(hex)));
  const title = octets(row, 'systemTitle');
  const { plaintext, verified } = openCiphered(apdu, keysOf(row), { senderTitle: title });
  assert.equal(toHex(plaintext), plaintextHex);
  assert.equal(verified, isAuthenticated(apdu.securityControl));
  const again = sealService(fromHex(plaintextHex), sealOptions(apdu, row, title));
  assert.equal(toHex(encodeApdu(again)), hex);
}

function hls5(row: Row, prover: 'client' | 'server') {
  const exchange =
    prover === 'client'
      ? { own: 'clientSystemTitle', peer: 'serverSystemTitle', received: 'stoCHex', sent: 'ctoSHex' }
      : { own: 'serverSystemTitle', peer: 'clientSystemTitle', received: 'ctoSHex', sent: 'stoCHex' };
  const counter = Number(row.context?.[`${prover}InvocationCounter`]);
  const context: HlsContext = {
    suite: 0,
    keys: keysOf(row),
    counter: CounterSender.unreserved(counter),
    peerCounter: new CounterReceiver(),
  };
  const seen = {
    ownTitle: octets(row, exchange.own),
    peerTitle: octets(row, exchange.peer),
    received: octets(row, exchange.received),
    sent: octets(row, exchange.sent),
  };
  const mirror = { ownTitle: seen.peerTitle, peerTitle: seen.ownTitle, received: seen.sent, sent: seen.received };
  return { context, seen, mirror };
}

function provesAndChecks(row: Row, prover: 'client' | 'server', hex: string): void {
  const { context, seen, mirror } = hls5(row, prover);
  assert.equal(toHex(proofOf({ mechanism: 'hls-gmac' }, seen, context)), hex);
  checkProof(fromHex(hex), { mechanism: 'hls-gmac' }, mirror, context);
  const forged = hex.slice(0, -2) + (hex.endsWith('00') ? '01' : '00');
  assert.throws(
    () =>
      checkProof(fromHex(forged), { mechanism: 'hls-gmac' }, mirror, {
        ...context,
        peerCounter: new CounterReceiver(),
      }),
    (error) => hasCode(error, 'SECURITY_PROOF'),
  );
}

function hashed(row: Row, secret: HlsSecret): void {
  const titles = (name: string) => (row.context?.[name] === undefined ? null : octets(row, name));
  const client = {
    ownTitle: titles('clientSystemTitle'),
    peerTitle: titles('serverSystemTitle'),
    received: octets(row, 'stoCHex'),
    sent: octets(row, 'ctoSHex'),
  };
  const server = {
    ownTitle: client.peerTitle,
    peerTitle: client.ownTitle,
    received: client.sent,
    sent: client.received,
  };
  assert.equal(toHex(proofOf(secret, client, null)), row.expect['fStoCHex']);
  assert.equal(toHex(proofOf(secret, server, null)), row.expect['fCtoSHex']);
  checkProof(fromHex(text(row.expect['fStoCHex'])), secret, server, null);
  checkProof(fromHex(text(row.expect['fCtoSHex'])), secret, client, null);
  assert.throws(
    () => checkProof(fromHex(text(row.expect['fCtoSHex'])), secret, server, null),
    (error) => hasCode(error, 'SECURITY_PROOF'),
  );
}

const userInformation = (row: Row): void => {
  const apdu = decodeApdu(fromHex(row.hex));
  assert.ok('userInformation' in apdu && apdu.userInformation !== null);
  opensAndSeals(toHex(apdu.userInformation), row, text(row.expect['userInformationPlaintextHex']));
};

const octetStringOf = (apdu: Apdu): string => {
  const data =
    apdu.apdu === 'action-request-normal'
      ? apdu.parameters
      : apdu.apdu === 'action-response-normal' && apdu.returnParameters !== null && 'data' in apdu.returnParameters
        ? apdu.returnParameters.data
        : null;
  assert.ok(data?.type === 'octet-string');
  return toHex(data.value);
};

/** What each vector without a `plaintextHex` of its own proves. */
const PROOFS: Readonly<Record<string, (row: Row) => void>> = {
  'gb-aarq-ciphered-lls': userInformation,
  'gb-rlre-ciphered': userInformation,
  'gb-rlrq-ciphered': userInformation,
  'gb-hls5-f-stoc': (row) => provesAndChecks(row, 'client', row.hex),
  'gb-hls5-f-ctos': (row) => provesAndChecks(row, 'server', row.hex),
  'gb-hls5-action-request': (row) => provesAndChecks(row, 'client', octetStringOf(decodeApdu(fromHex(row.hex)))),
  'gb-hls5-action-response': (row) => provesAndChecks(row, 'server', octetStringOf(decodeApdu(fromHex(row.hex)))),
  'constructed-hls3': (row) => hashed(row, { mechanism: 'hls-md5', secret: key(row, 'secretHex') }),
  'constructed-hls4': (row) => hashed(row, { mechanism: 'hls-sha1', secret: key(row, 'secretHex') }),
  'constructed-hls6': (row) => hashed(row, { mechanism: 'hls-sha256', secret: key(row, 'secretHex') }),
  'rfc3394-128': (row) => {
    assert.equal(toHex(wrapKey(key(row, 'key'), key(row, 'kek'), 0)), row.hex);
    assert.equal(toHex(octetsOfKey(unwrapKey(fromHex(row.hex), key(row, 'kek'), 0))), row.context?.['key']);
  },
  'constructed-key-transfer': (row) => {
    const wrapped = toHex(wrapKey(key(row, 'key'), key(row, 'kek'), 0));
    const apdu = decodeApdu(fromHex(row.hex));
    assert.ok(apdu.apdu === 'action-request-normal' && apdu.parameters?.type === 'array');
    const [transfer] = apdu.parameters.value;
    assert.ok(transfer?.type === 'structure');
    const [id, data] = transfer.value;
    assert.deepEqual(id, { type: 'enum', value: 0 });
    assert.ok(data?.type === 'octet-string' && toHex(data.value) === wrapped);
  },
  'u9n-general-glo-empty-title': (row) => {
    const apdu = sealed(decodeApdu(fromHex(row.hex)));
    const keys = { encryption: new SecretKey(new Uint8Array(16)), authentication: new SecretKey(new Uint8Array(16)) };
    assert.throws(
      () => openCiphered(apdu, keys, { senderTitle: null }),
      (error) => hasCode(error, 'SECURITY_TITLE'),
    );
    assert.throws(
      () => openCiphered(apdu, keys, { senderTitle: fromHex('4d4d4d0000bc614e') }),
      (error) => hasCode(error, 'SECURITY_TAG'),
    );
  },
  'cli-ctr-example': (row) => {
    const parameters = {
      title: octets(row, 'systemTitle'),
      encryptionKey: key(row, 'encryptionKey'),
      authenticationKey: key(row, 'authenticationKey'),
    };
    const head = { securityControl: 0x20, invocationCounter: Number(row.context?.['invocationCounter']) };
    const ciphered = protect(fromHex(text(row.expect['plaintextHex'])), { ...parameters, ...head });
    assert.equal(toHex(ciphered.payload), row.hex);
    assert.equal(toHex(unprotect(ciphered, parameters).plaintext), row.expect['plaintextHex']);
  },
  'gb-general-ciphering-1e1s': (row) => {
    // The private keys were never published: what can be told is that it asks for an agreement, and is not opened without.
    const keys = { encryption: key(row, 'authenticationKey'), authentication: key(row, 'authenticationKey') };
    assert.throws(
      () => openCiphered(sealed(decodeApdu(fromHex(row.hex))), keys, { senderTitle: null }),
      (error) => hasCode(error, 'SECURITY_KEY_MISSING'),
    );
  },
  'rfc6979-p256-sha256': (row) => {
    const message = octets(row, 'messageHex');
    const pair = keyPairOf('P-256', key(row, 'privateKey'));
    assert.equal(toHex(pair.publicKey), row.context?.['publicKeyXY']);
    assert.ok(isSignature(fromHex(row.hex), message, 'P-256', pair.publicKey));
    assert.ok(isSignature(signOctets(message, pair), message, 'P-256', pair.publicKey));
    assert.ok(!isSignature(fromHex(row.hex), concat([message, message]), 'P-256', pair.publicKey));
  },
  'rfc5903-ecdh-p256': (row) => {
    const a = keyPairOf('P-256', key(row, 'privateA'));
    const b = keyPairOf('P-256', key(row, 'privateB'));
    assert.equal(toHex(a.publicKey), row.context?.['publicA']);
    assert.equal(toHex(octetsOfKey(sharedSecret(a, b.publicKey))), row.hex);
    assert.equal(toHex(octetsOfKey(sharedSecret(b, a.publicKey))), row.hex);
  },
  'constructed-kdf-suite1': (row) => {
    const parties = { partyU: octets(row, 'partyU'), partyV: octets(row, 'partyV') };
    assert.equal(toHex(octetsOfKey(deriveKey(key(row, 'zHex'), 1, 'ciphering', parties))), row.hex);
  },
  'gbcs-8f66-alert': (row) => {
    const apdu = decodeApdu(fromHex(row.hex));
    assert.ok(apdu.apdu === 'general-signing');
    assert.deepEqual(shapeOfOctets(apdu.content), row.expect['contentApdu']);
  },
};

for (const row of rows) {
  test(`security vector ${row.id}: ${row.description}`, () => {
    const proof = PROOFS[row.id];
    if (proof !== undefined) return proof(row);
    opensAndSeals(row.hex, row, text(row.expect['plaintextHex']));
    return assert.deepEqual(shapeOfOctets(fromHex(text(row.expect['plaintextHex']))), row.expect['plaintext']);
  });
}

test('the security vectors are 34', () => {
  assert.equal(rows.length, 34);
});

for (const row of vectors<Expect>('malformed', 'apdu').filter(({ context }) => context !== undefined)) {
  test(`malformed ${row.id}: ${row.expect['reason']}`, () => {
    const apdu = sealed(decodeApdu(fromHex(row.hex)));
    const open = () => openCiphered(apdu, keysOf(row), { senderTitle: octets(row, 'systemTitle') });
    if (row.expect['sequence'] === undefined) {
      assert.throws(open, (error) => hasCode(error, 'SECURITY_TAG'));
      return;
    }
    const counter = new CounterReceiver();
    open();
    counter.accept(apdu.invocationCounter);
    assert.throws(
      () => counter.check(apdu.invocationCounter),
      (error) => hasCode(error, 'SECURITY_REPLAY'),
    );
  });
}

interface PushExpect {
  readonly messages: readonly { readonly apduHex: string; readonly plaintextHex?: string }[];
}

for (const capture of vectors<PushExpect>('push-captures')) {
  const [message] = capture.expect.messages;
  if (message?.plaintextHex === undefined || capture.context?.['encryptionKey'] === undefined) continue;
  const { apduHex, plaintextHex } = message;
  const encryption = SecretKey.fromHex(capture.context['encryptionKey']);
  test(`HE-7 push ${capture.id}: deciphered with its key, and made again`, () => {
    const apdu = sealed(decodeApdu(fromHex(apduHex)));
    assert.ok(apdu.apdu === 'general-glo-ciphering');
    const keys = { encryption, authentication: null };
    const { plaintext, verified } = openCiphered(apdu, keys, { senderTitle: null });
    assert.equal(toHex(plaintext), plaintextHex);
    assert.equal(verified, false);
    const options = {
      suite: suiteOf(apdu.securityControl).id,
      authenticated: false,
      encrypted: true,
      keySet: 'unicast',
      title: apdu.systemTitle,
      keys,
      invocationCounter: apdu.invocationCounter,
    } as const;
    // The meter writes the length in the long form; ours is the shortest, so the parts are compared.
    const again = sealGeneral(plaintext, options);
    assert.deepEqual(again, apdu);
  });
}

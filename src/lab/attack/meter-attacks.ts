/** Attacks on a meter, over any link. Only those marked intrusive may change it. */
import { concat, fromHex, sameOctets } from '../../base/bytes.ts';
import { SeededRandom } from '../../base/seeded-random.ts';
import { obisOf } from '../../dlms/cosem/obis.ts';
import { sealGeneral, sealService } from '../../dlms/security/ciphering.ts';
import { CHALLENGE_MIN_BYTES } from '../../dlms/security/limits.ts';
import { UNPROTECTED } from '../../dlms/security/secure-channel.ts';
import { initiateRequestOf, isHls, OUR_CONFORMANCE } from '../../dlms/session/association.ts';
import type { Apdu } from '../../dlms/xdlms/apdu.ts';
import { encodeApdu } from '../../dlms/xdlms/codec.ts';
import { type Attack, type AttackOutcome, fell, held, notApplicable } from './attack.ts';
import {
  gives,
  type MeterVictim,
  opened,
  PROBE,
  type SharedKeys,
  type SignedOn,
  type SignOnChanges,
} from './victim.ts';

type MeterAttack = Attack<MeterVictim>;

const NO_KEYS = 'The victim has no keys: name a key file.';
/** An object that no meter has: what is written to it is lost. */
const NOWHERE = { classId: 1, instanceId: obisOf(0, 0, 96, 255, 254, 253), attributeId: 2 };
/** Design, section 9: a transfer has at most so many blocks. */
const BLOCKS_MAX = 1_024;
const FLAG = 0x7e;

/** An attack with the keys of the meter. */
function keyed(
  name: string,
  title: string,
  run: (victim: MeterVictim, keys: SharedKeys) => Promise<AttackOutcome>,
): MeterAttack {
  return {
    name,
    title,
    run: async (victim) => {
      const { security } = victim.options;
      return security === null ? notApplicable(NO_KEYS) : run(victim, security);
    },
  };
}

/** Says forged octets in an entitled association: none of them may be served. */
function forged(
  name: string,
  title: string,
  forge: (victim: MeterVictim, keys: SharedKeys, signed: SignedOn) => readonly Uint8Array[],
): MeterAttack {
  return keyed(name, title, async (victim, keys) => {
    const signed = await victim.entitled();
    const tries = forge(victim, keys, signed);
    if (tries.length === 0) return notApplicable('Nothing is to be forged under this policy.');
    let said = 0;
    for (const octets of tries) {
      said++;
      if (gives(await signed.line.ask(octets), signed.guard))
        return fell(`Forgery ${said} of ${tries.length} was served.`);
    }
    return (await victim.serves())
      ? held(`${said} forgeries, none was served; the entitled client still is.`)
      : fell('None was served, but afterwards the entitled client is not served either.');
  });
}

const PLAIN_PROBE = encodeApdu(PROBE);

/** A ciphered APDU in short form without the last octets of its tag. */
function cutTag(octets: Uint8Array, count: number): Uint8Array {
  const cut = octets.slice(0, octets.length - count);
  cut.set([(cut.at(1) ?? 0) - count], 1);
  return cut;
}

/** Signs on with less than was agreed: no value may be read that way. */
function downgrade(
  name: string,
  title: string,
  change: (victim: MeterVictim, keys: SharedKeys) => SignOnChanges | string,
): MeterAttack {
  return keyed(`downgrade-${name}`, title, async (victim, keys) => {
    const changes = change(victim, keys);
    if (typeof changes === 'string') return notApplicable(changes);
    const signed = await victim.signOn(changes);
    if ('why' in signed) return held(`The association is refused: ${signed.why}`);
    const served = gives(await signed.line.ask(signed.guard.seal(PROBE)), signed.guard);
    return served ? fell('The association opens, and a value is read in it.') : held('It opens, and serves nothing.');
  });
}

const NONE = { mechanism: 'none' } as const;

const DOWNGRADES: readonly MeterAttack[] = [
  downgrade('context', 'sign on in the context without ciphering', () => ({ security: null })),
  downgrade('mechanism-none', 'sign on without authentication', (victim) =>
    victim.options.authentication.mechanism === 'none' ? 'This client needs none.' : { authentication: NONE },
  ),
  downgrade('mechanism-lls', 'sign on with a password in place of the high level', (victim) =>
    isHls(victim.options.authentication)
      ? { authentication: { mechanism: 'lls', password: fromHex('3030303030303030') } }
      : 'This client has no high level.',
  ),
  downgrade('initiate', 'a plain initiate-request in the ciphered context', () => ({
    aarq: (aarq) => ({ ...aarq, userInformation: encodeApdu(initiateRequestOf(OUR_CONFORMANCE, 1_024)) }),
  })),
  forged('downgrade-service', 'a plain request inside a ciphered association', () => [PLAIN_PROBE]),
  forged('downgrade-protection', 'a request with less protection than agreed', (victim, keys) => {
    const { authenticated, encrypted } = keys.policy.requests;
    const weaker = [
      ...(encrypted ? [{ authenticated, encrypted: false }] : []),
      ...(authenticated ? [{ authenticated: false, encrypted }] : []),
      UNPROTECTED,
    ];
    return weaker.map((protection) =>
      encodeApdu(sealService(PLAIN_PROBE, { ...victim.sealOptions(keys), ...protection })),
    );
  }),
];

const FORGERIES: readonly MeterAttack[] = [
  keyed('replay', 'a request said twice', async (victim) => {
    const { line, guard } = await victim.entitled();
    const octets = guard.seal(PROBE);
    if (!gives(await line.ask(octets), guard)) return notApplicable('The honest request is not served.');
    return gives(await line.ask(octets), guard) ? fell('It is served twice.') : held('It is served once.');
  }),
  keyed(
    'lowered-counter',
    'requests with lower invocation counters, none of which was used before',
    async (victim, keys) => {
      const { line, guard } = await victim.entitled();
      // Left out now and said later: a number under which two messages were sealed would give the key away.
      const late = [1, 2, 3].map(() => encodeApdu(sealService(PLAIN_PROBE, victim.sealOptions(keys))));
      if (!gives(await line.ask(guard.seal(PROBE)), guard)) return notApplicable('The honest request is not served.');
      for (const octets of late)
        if (gives(await line.ask(octets), guard)) return fell('A request with a lower counter is served.');
      return held('Only the higher one is served.');
    },
  ),
  forged('wrong-title', 'a request under the system title of another', (victim, keys) => {
    const title = keys.clientTitle.slice();
    title.set([(title.at(7) ?? 0) ^ 0xff], 7);
    return [false, true].map((general) => {
      const options = { ...victim.sealOptions(keys), title };
      return encodeApdu(general ? sealGeneral(PLAIN_PROBE, options) : sealService(PLAIN_PROBE, options));
    });
  }),
  forged('truncated-tag', 'requests with 11, 8, 4 and 0 octets of their tag', (victim, keys) =>
    keys.policy.requests.authenticated
      ? [1, 4, 8, 12].map((cut) => cutTag(encodeApdu(sealService(PLAIN_PROBE, victim.sealOptions(keys))), cut))
      : [],
  ),
  forged('broadcast-key', 'a request that says it is under the broadcast key', (victim, keys) => [
    encodeApdu(
      sealService(PLAIN_PROBE, {
        ...victim.sealOptions(keys),
        keySet: 'broadcast',
        keys: { ...keys.keys, broadcast: keys.keys.encryption },
      }),
    ),
  ]),
];

/** Attacks on the challenges of the high-level mechanisms. */
const CHALLENGES: readonly MeterAttack[] = [
  {
    name: 'short-challenge',
    title: 'challenges of 0, 1 and 7 octets',
    run: async (victim) => {
      if (!isHls(victim.options.authentication)) return notApplicable('This client has no high level.');
      for (const bytes of [0, 1, CHALLENGE_MIN_BYTES - 1]) {
        const signed = await victim.signOn({
          aarq: (aarq) => ({ ...aarq, callingAuthenticationValue: victim.random(bytes) }),
        });
        victim.endLines();
        // Where the meter takes it the sign-on goes on to our proof, which is over our own challenge.
        if (!('why' in signed) || /proof/i.test(signed.why)) return fell(`A challenge of ${bytes} octets is taken.`);
      }
      return held('All are refused.');
    },
  },
  {
    name: 'challenge-reflection',
    title: "the meter's challenge said back to it as ours, and its freshness",
    run: async (victim) => {
      if (!isHls(victim.options.authentication)) return notApplicable('This client has no high level.');
      const first = (await victim.entitled()).aare.respondingAuthenticationValue;
      victim.endLines();
      const next = (await victim.entitled()).aare.respondingAuthenticationValue;
      victim.endLines();
      if (first === null) return fell('The meter sends no challenge.');
      if (first.length < CHALLENGE_MIN_BYTES) return fell(`Its challenge has ${first.length} octets.`);
      if (next !== null && sameOctets(next, first)) return fell('It sends the same challenge twice.');
      const second = await victim.signOn({
        authentication: { ...victim.options.authentication, challenge: first.slice() },
      });
      const again = 'why' in second ? null : second.aare.respondingAuthenticationValue;
      return again !== null && sameOctets(again, first)
        ? fell('It sends the challenge that it was sent, so its proof can be had from itself.')
        : held('Its challenges are fresh, and none is a reflection.');
    },
  },
];

/** Sends blocks of a long SET to nowhere; gives how many were acknowledged. */
async function sendBlocks(
  victim: MeterVictim,
  blocks: Iterable<{ readonly blockNumber: number; readonly rawData: Uint8Array }>,
): Promise<number> {
  const { line, guard } = await victim.entitled();
  const invocation = { invokeId: 3, confirmed: true, highPriority: false } as const;
  let acknowledged = 0;
  for (const block of blocks) {
    await victim.ready();
    const request: Apdu =
      acknowledged === 0
        ? {
            apdu: 'set-request-with-first-datablock',
            ...invocation,
            attribute: NOWHERE,
            access: null,
            lastBlock: false,
            ...block,
          }
        : { apdu: 'set-request-with-datablock', ...invocation, lastBlock: false, ...block };
    const answer = opened(await line.ask(guard.seal(request)), guard);
    if (answer?.apdu !== 'set-response-datablock') break;
    acknowledged++;
  }
  return acknowledged;
}

function* numbered(numbers: Iterable<number>, bytes: number) {
  for (const blockNumber of numbers) yield { blockNumber, rawData: new Uint8Array(bytes) };
}

const BLOCKS: readonly MeterAttack[] = [
  {
    name: 'blocks-endless',
    title: `a long value of one octet a block, beyond ${BLOCKS_MAX} blocks`,
    run: async (victim) => {
      const numbers = Array.from({ length: BLOCKS_MAX + 1 }, (_, at) => at + 1);
      const taken = await sendBlocks(victim, numbered(numbers, 1));
      return taken > BLOCKS_MAX
        ? fell(`${taken} blocks are taken.`)
        : held(`The transfer is ended at block ${taken + 1}.`);
    },
  },
  {
    name: 'blocks-reordered',
    title: 'blocks 1, 2, 4',
    run: async (victim) => {
      const taken = await sendBlocks(victim, numbered([1, 2, 4], 8));
      return taken > 2 ? fell('Block 4 is taken after block 2.') : held('Block 4 is refused.');
    },
  },
  {
    name: 'blocks-empty',
    title: 'blocks with nothing in them',
    run: async (victim) => {
      const taken = await sendBlocks(victim, numbered([1, 2, 3], 0));
      return taken > 1 ? fell(`${taken} empty blocks are taken.`) : held('A transfer without progress is ended.');
    },
  },
];

/** A value that claims much, as the value of a SET to nowhere: the meter must refuse it and go on. */
function bomb(name: string, title: string, value: () => Uint8Array): MeterAttack {
  return {
    name: `bomb-${name}`,
    title,
    run: async (victim) => {
      const { line, guard } = await victim.entitled();
      const set: Apdu = {
        apdu: 'set-request-normal',
        invokeId: 4,
        confirmed: true,
        highPriority: false,
        attribute: NOWHERE,
        access: null,
        value: { type: 'null-data' },
      };
      const octets = encodeApdu(set);
      const plain = concat([octets.subarray(0, octets.length - 1), value()]);
      const answer = opened(await line.ask(victim.sealed(plain)), guard);
      if (answer?.apdu === 'set-response-normal' && answer.result === 0) return fell('It is taken as a value.');
      return (await victim.serves())
        ? held(`Answer: ${answer?.apdu ?? 'none'}; it serves on.`)
        : fell('It serves no more.');
    },
  };
}

const BOMBS: readonly MeterAttack[] = [
  bomb('depth', '100 structures inside each other', () => fromHex(`${'0201'.repeat(100)}00`)),
  bomb('count', 'an array that promises 2^32 elements', () => fromHex('0184ffffffff00')),
  bomb('nothing', '65,535 x 65,535 elements of no size in a compact array', () => fromHex('1301ffff01ffff00020000')),
];

const FRAMES: readonly MeterAttack[] = [
  {
    name: 'flag-in-checksum',
    title: 'frames in whose checksums the flag 7E stands',
    run: async (victim) => {
      if (victim.framing !== 'hdlc') return notApplicable('Only HDLC has such checksums.');
      const { line, guard } = await victim.entitled();
      let met = 0;
      for (let number = 0; number < 512 && met < 3; number++) {
        await victim.ready();
        const asked: Apdu = { ...PROBE, invokeId: number % 16, highPriority: (number & 16) !== 0 } as Apdu;
        const probe = { ...asked, attribute: { ...NOWHERE, attributeId: (number >> 5) + 1 } } as Apdu;
        const answer = opened(await line.ask(guard.seal(probe)), guard);
        const inside = line.said.some((frame) => frame.subarray(-3, -1).includes(FLAG));
        if (inside && answer?.apdu !== 'get-response-normal') return fell('Such a frame is not answered.');
        if (inside) met++;
      }
      return met === 0 ? notApplicable('No such frame came about.') : held(`${met} such frames are answered.`);
    },
  },
  {
    name: 'random-apdus',
    title: '100 random messages, then an honest one',
    run: async (victim) => {
      const random = new SeededRandom(`attack/${victim.options.seed}`);
      const { line, guard } = await victim.entitled();
      for (let count = 0; count < 100; count++) {
        const octets = random.bytes(1 + random.below(60));
        // No association may be opened, released or written to by chance.
        octets.set([random.pick([0xc0, 0xc4, 0xd8, 0xdb, 0x00, 0xff, 0xe0])], 0);
        if (gives(await line.ask(octets), guard)) return fell('A random message is served.');
      }
      return (await victim.serves()) ? held('None is served, the honest one is.') : fell('It serves no more.');
    },
  },
];

const RELAY: MeterAttack = {
  name: 'plain-relay',
  title: 'an order to disconnect, in clear under a password',
  intrusive: true,
  run: async (victim) => {
    const { authentication } = victim.options;
    if (isHls(authentication)) return notApplicable('This client has the high level; name one with a password.');
    const signed = await victim.signOn({ security: null });
    if ('why' in signed) return held(`The plain association is refused: ${signed.why}`);
    const method = { classId: 70, instanceId: obisOf(0, 0, 96, 3, 10), methodId: 1 };
    const order: Apdu = {
      apdu: 'action-request-normal',
      invokeId: 5,
      confirmed: true,
      highPriority: true,
      method,
      parameters: { type: 'integer', value: 0 },
    };
    const answer = opened(await signed.line.ask(encodeApdu(order)), null);
    return answer?.apdu === 'action-response-normal' && answer.actionResult === 0
      ? fell('The relay takes orders in clear: whoever hears the password once can cut the supply.')
      : held(`Refused: ${answer === null ? 'no answer' : answer.apdu}.`);
  },
};

/** All attacks on a meter, in the order in which they are run. */
export const METER_ATTACKS: readonly MeterAttack[] = [
  ...FORGERIES,
  ...DOWNGRADES,
  ...CHALLENGES,
  ...BLOCKS,
  ...BOMBS,
  ...FRAMES,
  RELAY,
];

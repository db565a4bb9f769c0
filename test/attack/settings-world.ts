/** A settings file with meters on ports that push, each with its key file, in memory. */

import { readFileSync } from 'node:fs';
import type { Env } from '../../src/base/env.ts';
import { MemoryLines } from '../../src/link/memory.ts';
import { profileOf } from '../unit/edge/bus.ts';
import { testWorld } from '../unit/edge/world.ts';

const PROFILE = 'sagemcom/t210-d';

/** `keys`: the text of each meter's key file; `place`: where they all push to, absent = a port for each. */
export async function settingsWorld(keys: Readonly<Record<string, string>>, place?: string) {
  const { env } = testWorld().program('edge');
  const linkEnv = { ...env, lines: new MemoryLines({ timers: env.timers, clock: env.clock, random: env.random }) };
  const write = (path: string, text: string): Promise<void> =>
    env.disk.writeFile(path, new TextEncoder().encode(text), 0o600);
  const enrolment = {
    edgeId: 'e1',
    password: 'p',
    key: '00'.repeat(32),
    commandPublicKey: '00'.repeat(32),
    limitsPublicKey: '00'.repeat(32),
    url: 'mqtt://localhost',
  };
  await write('e.json', JSON.stringify(enrolment));
  const yaml = readFileSync(new URL(`../../config/profiles/${profileOf(PROFILE).key}.yaml`, import.meta.url), 'utf8');
  await write(`profiles/${PROFILE}.yaml`, yaml);
  const lines = [];
  const meters = [];
  for (const [id, text] of Object.entries(keys)) {
    await write(`${id}.keys`, text);
    linkEnv.lines.create(id, { framing: 'auto', purpose: 'push' });
    const meter = `{ id: ${id}, profile: ${PROFILE}, keysFile: ${id}.keys }`;
    meters.push(meter);
    if (place === undefined) lines.push(`  - { id: port-${id}, url: "memory:${id}", meters: [${meter}] }`);
  }
  if (place !== undefined) lines.push(`  - { id: calls, url: "${place}", meters: [${meters.join(', ')}] }`);
  return {
    config: ['enrolmentFile: e.json', 'lines:', ...lines].join('\n'),
    around: { env: env as Env, linkEnv, profilesFolder: 'profiles', software: 'test' },
  };
}

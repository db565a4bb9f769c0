import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type AuthorityEnv, initAuthority, issueEdge } from '../../../../src/collector/pki/authority.ts';
import { HOST_CERTIFICATES } from '../../../../src/host/certificates.ts';
import { createHostEnv } from '../../../../src/host/env.ts';

const env: AuthorityEnv = { ...createHostEnv({ logLevel: 'error' }), certificates: HOST_CERTIFICATES };
const HOSTS = ['broker.example', '192.0.2.7', '2001:db8::8:800:200c:417a', '::1'];

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'deltawatt-authority-'));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('ALA-1 the authority signs a broker for its names and addresses, and concentrators by their id', () =>
  inFolder(async (folder) => {
    await initAuthority(env, { folder, name: 'Zählerwerk', hosts: HOSTS });
    const issued = await issueEdge(env, folder, 'e17');
    const read = async (name: string) => new X509Certificate(await readFile(join(folder, name)));
    const [ca, broker, edge] = [await read('ca.pem'), await read('broker.pem'), await read('edges/e17.pem')];
    assert.ok(ca.verify(ca.publicKey) && ca.ca);
    for (const certificate of [broker, edge]) {
      assert.ok(certificate.verify(ca.publicKey));
      assert.ok(certificate.checkIssued(ca));
      assert.equal(certificate.ca, false);
    }
    assert.equal(edge.subject, 'CN=e17');
    assert.equal(ca.subject, 'CN=Zählerwerk');
    assert.equal(broker.checkHost('broker.example'), 'broker.example');
    for (const address of HOSTS.slice(1)) assert.ok(broker.checkIP(address) !== undefined, address);
    assert.equal(broker.checkHost('other.example'), undefined);
    assert.equal(Date.parse(edge.validTo), Math.floor(issued.notAfterMs / 1000) * 1000);
    for (const name of ['ca.key', 'broker.key', 'edges/e17.key'])
      assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600, name);
    const lines = (await readFile(join(folder, 'issued.jsonl'), 'utf8')).trim().split('\n');
    const serials = lines.map((line) => JSON.parse(line).serial);
    assert.deepEqual(
      serials,
      [ca, broker, edge].map(({ serialNumber }) => serialNumber),
    );
  }));

test('ALA-1 an id gets a new certificate when asked again; the old one stays in the list', () =>
  inFolder(async (folder) => {
    await initAuthority(env, { folder, name: 'a', hosts: ['h'] });
    await issueEdge(env, folder, 'e1');
    const before = await readFile(join(folder, 'edges/e1.pem'), 'utf8');
    await issueEdge(env, folder, 'e1');
    assert.notEqual(await readFile(join(folder, 'edges/e1.pem'), 'utf8'), before);
    assert.equal((await readFile(join(folder, 'issued.jsonl'), 'utf8')).trim().split('\n').length, 4);
  }));

test('ALA-1 a second authority in a folder, a missing or damaged one, and names that cannot be are refused by code', () =>
  inFolder(async (folder) => {
    const init = (hosts: readonly string[]) => initAuthority(env, { folder, name: 'a', hosts });
    for (const host of ['', 'a b', 'x_y.example', '-a.example', '1:2', ':::', '1:2:3:4:5:6:7:8:9', 'g::1'])
      await assert.rejects(init([host]), { code: 'PKI_NAME' }, host);
    await assert.rejects(init([]), { code: 'PKI_NAME' });
    await assert.rejects(issueEdge(env, folder, 'e1'), { code: 'PKI_MISSING' });
    await init(['h']);
    await assert.rejects(init(['h']), { code: 'PKI_EXISTS' });
    await assert.rejects(issueEdge(env, folder, 'no spaces'), { code: 'PKI_NAME' });
    await assert.rejects(issueEdge(env, folder, '../e1'), { code: 'PKI_NAME' });
    await writeFile(join(folder, 'ca.key'), HOST_CERTIFICATES.newKey().privatePem);
    await assert.rejects(issueEdge(env, folder, 'e1'), { code: 'PKI_DAMAGED' });
    await writeFile(join(folder, 'ca.key'), 'not a key');
    await assert.rejects(issueEdge(env, folder, 'e1'), { code: 'PKI_DAMAGED' });
  }));

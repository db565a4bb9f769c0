/** `deltawatt pki`: certificates for a trial. */

import { isoText } from '../../base/time.ts';
import { type IssuedFiles, initAuthority, issueEdge } from '../../collector/pki/authority.ts';
import { HOST_CERTIFICATES } from '../../host/certificates.ts';
import { createHostEnv } from '../../host/env.ts';
import { defineCommand } from '../command.ts';
import { EXIT, UsageError } from '../errors.ts';

const NAME_DEFAULT = 'Deltawatt trial authority';

/** Makes a private certificate authority, a broker's certificate and those of concentrators. */
export const pkiCommand = defineCommand({
  name: 'pki',
  summary: 'Makes a private certificate authority for a trial, and certificates of concentrators',
  arguments: 'init FOLDER --host NAME... | edge FOLDER ID...',
  details:
    'init makes the authority and the certificate of the broker, for the names and addresses that concentrators call.\n' +
    'edge makes key and certificate of concentrators; an id that has one gets a new one.\n' +
    'Give broker.pem, broker.key and ca.pem to the collector (broker.tls), and edges/ID.pem, edges/ID.key and ca.pem to\n' +
    'the concentrator (uplink). Keep ca.key to yourself.',
  options: {
    host: {
      kind: 'texts',
      value: 'NAME',
      what: 'with init: name or address of the broker; may be given several times',
    },
    name: { kind: 'text', value: 'TEXT', what: `with init: name of the authority; default "${NAME_DEFAULT}"` },
    json: { kind: 'flag', what: 'one JSON document: a list of files' },
  },
  run: async (values, words, io) => {
    const [action, folder, ...ids] = words;
    if (folder === undefined || (action !== 'init' && action !== 'edge'))
      throw new UsageError('pki takes init FOLDER or edge FOLDER ID.');
    const env = { ...createHostEnv({ logLevel: 'warn' }), certificates: HOST_CERTIFICATES };
    const issued: IssuedFiles[] = [];
    if (action === 'init') {
      if (ids.length > 0) throw new UsageError('pki init takes one FOLDER.');
      if (values.host.length === 0)
        throw new UsageError('pki init needs --host: how do concentrators reach the broker?');
      issued.push(await initAuthority(env, { folder, name: values.name ?? NAME_DEFAULT, hosts: values.host }));
    } else {
      if (ids.length === 0) throw new UsageError('pki edge takes at least one ID.');
      for (const id of ids) issued.push(await issueEdge(env, folder, id));
    }
    if (values.json) io.print(`${JSON.stringify(issued)}\n`);
    else
      for (const { commonName, certFile, keyFile, notAfterMs } of issued)
        io.print(`${commonName}: ${certFile}, ${keyFile}, until ${isoText(notAfterMs).slice(0, 10)}\n`);
    return EXIT.done;
  },
});

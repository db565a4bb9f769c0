/** Settings of the collector: one schema for the file, its checks and its commented example. */
import { type ConfigOf, maybe, oneOf, section, text, whole, yesNo } from '../base/config.ts';
import type { Problem } from '../base/problems.ts';
import { ROTATION_CONFIG, rotationContradictions } from './rotation-settings.ts';

/** Where a private PostgreSQL may take its programs from. */
export const DATABASE_PROGRAMS = ['auto', 'system', 'embedded'] as const;

/** Everything that can be set. */
export const COLLECTOR_CONFIG = section('Settings of the collector', {
  stateFolder: text({
    what: 'Folder of everything that the collector keeps: keys, and the database unless one is configured',
    default: '/var/lib/deltawatt/collector',
  }),
  log: oneOf(['error', 'warn', 'info', 'debug', 'trace'], { what: 'Least important log lines', default: 'info' }),
  api: section('REST, console, metrics and health', {
    host: text({ what: 'Address to listen on; anything but loopback needs tls', default: '127.0.0.1' }),
    port: whole({ what: 'Port, 0 takes a free one', from: 0, to: 65_535, default: 8080 }),
    tls: maybe(
      section('Certificate of the HTTPS server', {
        certFile: text({ what: 'Certificate chain, PEM' }),
        keyFile: text({ what: 'Private key, PEM' }),
      }),
    ),
  }),
  broker: section('The MQTT broker between concentrators and collector', {
    embedded: yesNo({
      what: 'Run the built-in broker (small sites, one collector); otherwise url names an external one',
      default: true,
    }),
    host: text({ what: 'Address of the built-in broker, loopback', default: '127.0.0.1' }),
    port: whole({ what: 'Port of the built-in broker, 0 takes a free one', from: 0, to: 65_535, default: 1883 }),
    tls: maybe(
      section('Listener of the built-in broker for concentrators on a network: TLS 1.3, certificates on both sides', {
        host: text({ what: 'Address to listen on', default: '0.0.0.0', example: '::' }),
        port: whole({ what: 'Port, 0 takes a free one', from: 0, to: 65_535, default: 8883 }),
        certFile: text({ what: 'Certificate chain of the broker, PEM', example: '/etc/deltawatt/pki/broker.pem' }),
        keyFile: text({ what: 'Its private key, PEM', example: '/etc/deltawatt/pki/broker.key' }),
        clientCaFile: text({
          what: 'Who may sign the certificates of concentrators, PEM; their common name is the id of the concentrator',
          example: '/etc/deltawatt/pki/ca.pem',
        }),
      }),
    ),
    url: maybe(text({ what: 'External broker, as this collector reaches it', example: 'mqtts://broker.example:8883' })),
    username: maybe(text({ what: 'User of the collector at an external broker', example: 'collector' })),
    passwordFile: maybe(text({ what: 'File with its password', example: '/etc/deltawatt/broker.password' })),
    edgesUrl: maybe(
      text({ what: 'Broker as concentrators reach it, written into enrolments; default: the same address' }),
    ),
  }),
  database: section('PostgreSQL; without urlFile a private server is found, made and supervised', {
    urlFile: maybe(
      text({ what: 'File with the address of a server of yours, postgres://user:password@host/database' }),
    ),
    programs: oneOf(DATABASE_PROGRAMS, {
      what: "Programs of a private server: the system's, those of the npm package, or whichever is there",
      default: 'auto',
    }),
  }),
  ingest: section('Taking blocks in', {
    creditOctets: whole({
      what: 'What one concentrator may have under way',
      from: 8_192,
      to: 16_777_216,
      unit: 'octets',
      default: 262_144,
    }),
  }),
  keyRotation: ROTATION_CONFIG,
  fold: section('Turning the journal into day blocks', {
    periodS: whole({ what: 'Pause between two folds', from: 1, to: 86_400, unit: 'seconds', default: 300 }),
  }),
});

/** A parsed file. */
export type CollectorConfig = ConfigOf<typeof COLLECTOR_CONFIG>;

/** What the listeners without TLS may be bound to. */
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;

/** Contradictions between keys. */
export function collectorContradictions(config: CollectorConfig): readonly Problem[] {
  const problems: Problem[] = [];
  const { api, broker } = config;
  problems.push(...rotationContradictions(config.keyRotation));
  if (!LOOPBACK.test(api.host) && api.tls === undefined) {
    problems.push({
      path: 'api.host',
      sentence: 'must be loopback, or give api.tls: tokens do not go over a net in clear',
    });
  }
  if (broker.embedded && !LOOPBACK.test(broker.host)) {
    problems.push({
      path: 'broker.host',
      sentence: 'must be loopback, for it is plain MQTT: concentrators on a network come in by broker.tls',
    });
  }
  if (broker.tls !== undefined && !broker.embedded) {
    problems.push({
      path: 'broker.tls',
      sentence: 'is of the built-in broker: set embedded to true, or take tls away',
    });
  }
  if (broker.tls !== undefined && broker.edgesUrl === undefined) {
    problems.push({
      path: 'broker.edgesUrl',
      sentence:
        'is missing: with broker.tls write the address that concentrators call, as mqtts://collector.example:8883',
    });
  }
  if (!broker.embedded && broker.url === undefined) {
    problems.push({ path: 'broker.url', sentence: 'is missing: give the address, or set broker.embedded to true' });
  }
  for (const [path, url] of [
    ['broker.url', broker.url],
    ['broker.edgesUrl', broker.edgesUrl],
  ] as const) {
    if (url !== undefined && /^mqtt:/.test(url) && !LOOPBACK.test(hostOf(url))) {
      problems.push({ path, sentence: 'must begin with mqtts://, plain MQTT is for this machine only' });
    }
  }
  if (broker.embedded && broker.url !== undefined) {
    problems.push({
      path: 'broker.url',
      sentence: 'contradicts broker.embedded: set embedded to false, or take url away',
    });
  }
  return problems;
}

/** The host of an address without the brackets of IPv6; empty when it is no address. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '') : '';
}

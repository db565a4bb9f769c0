/**
 * Everything that comes from outside the program, as interfaces: clocks, timers, randomness, crypto primitives, disk,
 * serial ports, sockets and the MQTT client. `src/host` implements them on the machine, `src/lab` in memory for the
 * virtual system; no other room touches the real thing (a lint rule sees to that), so the same seed gives the same run.
 */
import type { Log } from './log.ts';

/** The whole outside world of a program. */
export interface Env {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly crypto: Crypto;
  readonly disk: Disk;
  readonly net: Net;
  readonly serial: SerialPorts;
  readonly mqtt: MqttConnector;
  readonly log: Log;
}

/** Two clocks: what the wall says, and one that never jumps. */
export interface Clock {
  /** UTC milliseconds since 1970, whole; may jump both ways. */
  nowMs(): number;
  /** Monotonic milliseconds since an arbitrary start. */
  monotonicMs(): number;
}

/** A pending timer. */
export interface Timer {
  /** The timer will not fire any more; calling it twice is harmless. */
  cancel(): void;
}

/** Monotonic timers. */
export interface Timers {
  /** Calls `run` once after at least `delayMs`; errors of `run` are the host's to report. */
  after(delayMs: number, run: () => void): Timer;
  /** Resolves after at least `delayMs`. Aborting rejects with the signal's reason. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** Randomness: cryptographic on the host, seeded in the virtual system. */
export interface Random {
  /** `count` octets. */
  bytes(count: number): Uint8Array;
  /** An integer from 0 to `below` - 1; `below` up to 2^32. */
  below(below: number): number;
}

/** An Ed25519 key pair: raw 32-octet public key, 32-octet private seed. */
export interface SigningKey {
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
}

/** A key pair of a certificate, on the curve P-256. */
export interface CertificateKey {
  /** PKCS #8, PEM. */
  readonly privatePem: string;
  /** SubjectPublicKeyInfo, DER (RFC 5280, 4.1.2.7). */
  readonly publicKey: Uint8Array;
}

/** What a certificate says. */
export interface CertificateFacts {
  /** Common name of the subject; empty when it has none. */
  readonly commonName: string;
  /** Upper case hex digits. */
  readonly serial: string;
  readonly notAfterMs: number;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
}

/** What a certificate authority needs. */
export interface CertificateCrypto {
  /** A new P-256 pair. */
  newKey(): CertificateKey;
  /** The pair of a private key in PEM; null when it is none on P-256. */
  keyOf(privatePem: string): CertificateKey | null;
  /** ECDSA with SHA-256, as the DER that certificates carry (RFC 3279, 2.2.3). */
  sign(privatePem: string, octets: Uint8Array): Uint8Array;
  /** What the first certificate of a PEM text says; null when there is none that can be read. */
  facts(pem: string): CertificateFacts | null;
}

/** Primitives used outside DLMS: hashes, authenticators, signatures. */
export interface Crypto {
  sha256(octets: Uint8Array): Uint8Array;
  hmacSha256(key: Uint8Array, octets: Uint8Array): Uint8Array;
  /** Whether two secrets are equal, in time that depends on their length only. */
  sameSecret(a: Uint8Array, b: Uint8Array): boolean;
  /** A new Ed25519 pair (RFC 8032). */
  newSigningKey(): SigningKey;
  /** 64 octets. */
  sign(privateKey: Uint8Array, octets: Uint8Array): Uint8Array;
  verify(publicKey: Uint8Array, octets: Uint8Array, signature: Uint8Array): boolean;
}

/** One write of a batch. */
export type StoreWrite =
  | { readonly kind: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly kind: 'delete'; readonly key: Uint8Array };

/** Bounds of a scan, compared octet by octet. */
export interface StoreRange {
  readonly from?: Uint8Array;
  /** Exclusive. */
  readonly below?: Uint8Array;
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** An ordered key-value store in which a batch is all or nothing. */
export interface KeyValueStore {
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  /** With `sync` the batch is on the medium when the promise resolves. */
  batch(writes: readonly StoreWrite[], options: { readonly sync: boolean }): Promise<void>;
  /** Entries in key order; the iteration sees the store as it was when it began. */
  scan(range: StoreRange): AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]>;
  /** Gives space of deleted entries back, as far as the store can. */
  compact(): Promise<void>;
  close(): Promise<void>;
}

/** Which store: LevelDB, the append log, or the first where it loads and the second elsewhere. */
export type StoreKind = 'auto' | 'level' | 'log';

/** Files and stores. Paths are absolute or relative to the working folder. */
export interface Disk {
  /** Opens the store of this folder, making it when there is none; `kind` is `auto` without it. */
  openStore(path: string, kind?: StoreKind): Promise<KeyValueStore>;
  /** Makes a damaged, closed store readable again as far as its kind can; what it held may be gone. */
  repairStore(path: string): Promise<void>;
  /** The file's octets, or undefined when there is none. */
  readFile(path: string): Promise<Uint8Array | undefined>;
  /** Permission bits of a file, `0o600`; undefined when there is none. */
  permissions(path: string): Promise<number | undefined>;
  /** Replaces the file in one step (temporary file, fsync, rename, fsync of the folder); `mode` defaults to 0600. */
  writeFile(path: string, octets: Uint8Array, mode?: number): Promise<void>;
  /** Appends and, with `sync`, waits until it is on the medium. */
  openAppend(path: string): Promise<AppendFile>;
  list(path: string): Promise<string[]>;
  makeFolder(path: string, mode?: number): Promise<void>;
  remove(path: string): Promise<void>;
  /** Gives a file, folder or closed store another name on the same disk; the new name is on the medium afterwards. */
  rename(from: string, to: string): Promise<void>;
}

/** A file that only grows. */
export interface AppendFile {
  append(octets: Uint8Array, options: { readonly sync: boolean }): Promise<void>;
  close(): Promise<void>;
}

/** A duplex stream of octets: a TCP connection, a serial port, a pseudo-terminal, a pair in memory. */
export interface ByteDuplex {
  /** What it is connected to, for people. */
  readonly peer: string;
  /** Sends; resolves when the operating system took it. Rejects after close. */
  write(octets: Uint8Array): Promise<void>;
  /** One listener for data and one for the end; a chunk is lent: copy what you keep. */
  listen(listener: DuplexListener): void;
  /** Ends both ways; the listener hears `closed` once. */
  close(): void;
}

/** What a duplex tells its owner. */
export interface DuplexListener {
  data(chunk: Uint8Array): void;
  /** No more data; `reason` is absent after an orderly end. */
  closed(reason?: Error): void;
}

/** TCP and UDP. */
export interface Net {
  connectTcp(host: string, port: number, options: { readonly timeoutMs: number }): Promise<ByteDuplex>;
  /** `port` 0 takes a free one; the result tells which. */
  listenTcp(host: string, port: number, accept: (duplex: ByteDuplex) => void): Promise<Listener>;
  /** TLS 1.3 only; a peer without a certificate of `clientCa` is refused before `accept`. */
  listenTls(host: string, port: number, tls: TlsListenerOptions, accept: AcceptCertified): Promise<Listener>;
  /** Plain HTTP/1.1 for health and metrics of the edge; GET only, bodies ignored, bounded headers. */
  serveHttp(host: string, port: number, answer: (path: string) => Promise<HttpAnswer>): Promise<Listener>;
}

/** Takes a connection; `commonName` is that of the peer's verified certificate. */
export type AcceptCertified = (duplex: ByteDuplex, commonName: string) => void;

/** PEM texts of a TLS listener. */
export interface TlsListenerOptions {
  readonly cert: string;
  readonly key: string;
  /** Who may sign the certificates of peers. */
  readonly clientCa: string;
  /** A peer was refused in the handshake. */
  readonly refused: (peer: string, reason: string) => void;
}

/** An answer of the edge's small HTTP server. */
export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** A listening socket. */
export interface Listener {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Settings of a serial port. */
export interface SerialSettings {
  readonly baud: number;
  readonly dataBits: 7 | 8;
  readonly parity: 'none' | 'even' | 'odd';
  readonly stopBits: 1 | 2;
}

/** Serial ports and pseudo-terminals. */
export interface SerialPorts {
  open(path: string, settings: SerialSettings): Promise<ByteDuplex>;
}

/** How to reach a broker. */
export interface MqttOptions {
  /** `mqtt://host:port` or `mqtts://host:port`. */
  readonly url: string;
  readonly clientId: string;
  readonly username?: string;
  readonly password?: string;
  readonly keepAliveS: number;
  readonly connectTimeoutMs: number;
  /** PEM texts for TLS. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

/** Opens one connection; there is no reconnecting inside, the owner decides when to try again. */
export interface MqttConnector {
  /** Resolves after CONNACK; rejects with a reason in words. Clean session always. */
  connect(options: MqttOptions, listener: MqttListener): Promise<MqttConnection>;
}

/** What a connection tells its owner. */
export interface MqttListener {
  /** A message; PUBACK goes back when the promise resolves, so hold it until the message is safe. */
  message(topic: string, payload: Uint8Array): Promise<void>;
  /** The connection is gone; called once. */
  closed(reason: string): void;
}

/** QoS of a message: 1, or 0 for what its sender repeats by itself when no answer of the other end comes. */
export type MqttDelivery = 'at-least-once' | 'at-most-once';

/** A live MQTT 3.1.1 connection without queue or store of its own. */
export interface MqttConnection {
  /**
   * Publishes; rejects when the connection dies. `at-least-once`, the default, resolves at PUBACK (which is not storage:
   * only our own ack is), `at-most-once` when the message was handed to the operating system. Messages that are published
   * without a pause between them leave together.
   */
  publish(topic: string, payload: Uint8Array, delivery?: MqttDelivery): Promise<void>;
  /** Rejects when the broker refuses one of the filters. */
  subscribe(filters: readonly string[]): Promise<void>;
  /** Octets handed to the operating system but perhaps not yet sent. */
  bufferedOctets(): number;
  /** MQTT octets sent and received since CONNECT, packet headers included. */
  trafficOctets(): { readonly sent: number; readonly received: number };
  close(): Promise<void>;
}

/** TCP: connections without Nagle's delay, listeners that say which port they got. */
import { connect, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { AcceptCertified, ByteDuplex, Listener, Net, TlsListenerOptions } from '../base/env.ts';
import { reasonOf } from '../base/errors.ts';
import { hostError } from './errors.ts';
import { serveHttp } from './http.ts';
import { TCP_KEEP_ALIVE_MS, TLS_HANDSHAKE_MS } from './limits.ts';
import { listenOn } from './listen.ts';
import { streamDuplex } from './stream-duplex.ts';

/** The machine's network. Errors: TCP_UNREACHABLE, TCP_TIMEOUT, TCP_LISTEN_FAILED. */
export const HOST_NET: Net = { connectTcp, listenTcp, listenTls, serveHttp };

function connectTcp(host: string, port: number, options: { readonly timeoutMs: number }): Promise<ByteDuplex> {
  const peer = `${host}:${port}`;
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const timer = setTimeout(() => {
      socket.destroy();
      reject(hostError('TCP_TIMEOUT', `${peer}, ${options.timeoutMs} ms`));
    }, options.timeoutMs);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(hostError('TCP_UNREACHABLE', `${peer}: ${reasonOf(error)}`, error));
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      resolve(duplexOf(socket, peer));
    });
  });
}

async function listenTcp(host: string, port: number, accept: (duplex: ByteDuplex) => void): Promise<Listener> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    accept(duplexOf(socket, peerOf(socket)));
  });
  return listenOn(server, host, port, () => {
    for (const socket of sockets) socket.destroy();
  });
}

async function listenTls(
  host: string,
  port: number,
  tls: TlsListenerOptions,
  accept: AcceptCertified,
): Promise<Listener> {
  const sockets = new Set<Socket>();
  const server = createTlsServer(
    {
      cert: tls.cert,
      key: tls.key,
      ca: tls.clientCa,
      minVersion: 'TLSv1.3',
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: TLS_HANDSHAKE_MS,
    },
    (socket) => {
      const { CN } = socket.getPeerCertificate().subject ?? {};
      accept(duplexOf(socket, peerOf(socket)), typeof CN === 'string' ? CN : '');
    },
  );
  // A peer that never begins the handshake is a socket too, and must end with the listener.
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', (error, socket) => {
    tls.refused(peerOf(socket), reasonOf(error));
    socket.destroy();
  });
  return listenOn(server, host, port, () => {
    for (const socket of sockets) socket.destroy();
  });
}

function peerOf(socket: Socket): string {
  return `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? '?'}`;
}

function duplexOf(socket: Socket, peer: string): ByteDuplex {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
  return streamDuplex(socket, { peer });
}

/** Loopback sockets behind the port `Net`, for tests that need nothing else of the host. */
import { createServer, type Socket } from 'node:net';
import type { ByteDuplex, Net } from '../../src/base/env.ts';

export const LOOPBACK_NET: Net = {
  connectTcp: () => Promise.reject(new Error('not here')),
  serveHttp: () => Promise.reject(new Error('not here')),
  async listenTcp(host, port, accept) {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      accept(duplexOf(socket));
    });
    await new Promise<void>((resolve) => server.listen(port, host, resolve));
    const address = server.address();
    return {
      host,
      port: typeof address === 'object' && address !== null ? address.port : port,
      close: () =>
        new Promise((done) => {
          for (const socket of sockets) socket.destroy();
          server.close(() => done());
        }),
    };
  },
};

function duplexOf(socket: Socket): ByteDuplex {
  socket.setNoDelay(true);
  return {
    peer: `${socket.remoteAddress}:${socket.remotePort}`,
    write: (octets) =>
      new Promise((resolve, reject) => socket.write(octets, (error) => (error ? reject(error) : resolve()))),
    listen(listener) {
      let reason: Error | undefined;
      socket.on('data', (chunk: Uint8Array) => listener.data(chunk));
      socket.on('error', (error) => {
        reason = error;
      });
      socket.on('close', () => listener.closed(reason));
    },
    close: () => void socket.end(() => socket.destroy()),
  };
}

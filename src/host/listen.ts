/** Listening sockets of every protocol. */
import type { Server } from 'node:net';
import type { Listener } from '../base/env.ts';
import { hostError } from './errors.ts';

/** Listens, and makes a {@link Listener} whose close also ends what is connected. */
export function listenOn(server: Server, host: string, port: number, endAll: () => void): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void =>
      reject(hostError('TCP_LISTEN_FAILED', `${host}:${port}: ${error.message}`, error));
    server.once('error', fail);
    server.listen({ host, port }, () => {
      server.off('error', fail);
      const address = server.address();
      const taken = typeof address === 'object' && address !== null ? address.port : port;
      let closing: Promise<void> | undefined;
      const close = (): Promise<void> => {
        closing ??= new Promise((done) => {
          server.close(() => done());
          endAll();
        });
        return closing;
      };
      resolve({ host, port: taken, close });
    });
  });
}

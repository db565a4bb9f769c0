/** A packet store that keeps nothing: what is under way on a connection that dies is its owner's to send again. */
import { Readable } from 'node:stream';
import type { IStore } from 'mqtt';

/** For both stores of the MQTT library. */
export const NO_STORE: IStore = {
  put: (_packet, done) => {
    done();
    return NO_STORE;
  },
  createStream: () => Readable.from([]) as ReturnType<IStore['createStream']>,
  del: (_packet, done) => {
    done();
    return NO_STORE;
  },
  get: (_packet, done) => {
    done(new Error('nothing is stored'));
    return NO_STORE;
  },
  close: (done) => done(),
};

/** The contract of `MqttConnector`, for every client and every broker: `mqttSuite('mqtt.js and aedes', openPlace)`. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { MqttConnection, MqttConnector, MqttListener } from '../../src/base/env.ts';

/** A running broker and a client for it. */
export interface MqttPlace {
  readonly connector: MqttConnector;
  readonly url: string;
  /** Ends the broker at once; connections die. */
  kill(): Promise<void>;
  /** After the test; `kill` may have been called. */
  dispose(): Promise<void>;
  /** Lets a virtual clock run until the promise settles. */
  drive<T>(promise: Promise<T>): Promise<T>;
}

/** A listener that collects. */
class Inbox implements MqttListener {
  readonly messages: { topic: string; payload: Uint8Array }[] = [];
  readonly reasons: string[] = [];
  readonly #waiting: { count: number; resolve: () => void }[] = [];
  #ended: (reason: string) => void = () => {};
  readonly ended = new Promise<string>((resolve) => {
    this.#ended = resolve;
  });

  constructor(private readonly keep: (topic: string) => Promise<void> = () => Promise.resolve()) {}

  async message(topic: string, payload: Uint8Array): Promise<void> {
    this.messages.push({ topic, payload: payload.slice() });
    for (const wait of this.#waiting) if (this.messages.length >= wait.count) wait.resolve();
    await this.keep(topic);
  }

  closed(reason: string): void {
    this.reasons.push(reason);
    this.#ended(reason);
  }

  /** Resolves when `count` messages have come. */
  has(count: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.messages.length >= count) resolve();
      else this.#waiting.push({ count, resolve });
    });
  }
}

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

/** Declares the contract's tests under `name`. */
export function mqttSuite(name: string, openPlace: () => Promise<MqttPlace>, skip: string | false = false): void {
  let clients = 0;
  function connect(place: MqttPlace, inbox: MqttListener, clientId = `client-${clients++}`): Promise<MqttConnection> {
    const options = { url: place.url, clientId, keepAliveS: 60, connectTimeoutMs: 5_000 };
    return place.drive(place.connector.connect(options, inbox));
  }

  async function onBroker(body: (place: MqttPlace) => Promise<void>): Promise<void> {
    const place = await openPlace();
    try {
      await body(place);
    } finally {
      await place.dispose();
    }
  }

  describe(`mqtt: ${name}`, { skip }, () => {
    test('a message arrives with its topic and its octets', () =>
      onBroker(async (place) => {
        const inbox = new Inbox();
        const receiver = await connect(place, inbox);
        const sender = await connect(place, new Inbox());
        await place.drive(receiver.subscribe(['a/+/up']));
        const payloads = [new Uint8Array(0), text('text'), new Uint8Array(100_000).map((_, index) => index % 251)];
        for (const payload of payloads) await place.drive(sender.publish('a/edge/up', payload));
        await place.drive(inbox.has(payloads.length));
        assert.deepEqual(
          inbox.messages,
          payloads.map((payload) => ({ topic: 'a/edge/up', payload })),
        );
        await place.drive(Promise.all([receiver.close(), sender.close()]));
      }));

    test('only what the filters match arrives', () =>
      onBroker(async (place) => {
        const inbox = new Inbox();
        const receiver = await connect(place, inbox);
        const sender = await connect(place, new Inbox());
        await place.drive(receiver.subscribe(['one', 'many/#']));
        for (const topic of ['two', 'one/below', 'one', 'many/a/b'])
          await place.drive(sender.publish(topic, text('x')));
        await place.drive(inbox.has(2));
        assert.deepEqual(
          inbox.messages.map((message) => message.topic),
          ['one', 'many/a/b'],
        );
        await place.drive(Promise.all([receiver.close(), sender.close()]));
      }));

    test('a message sent at most once arrives, costs no PUBACK on either side, and keeps its place', () =>
      onBroker(async (place) => {
        const inbox = new Inbox();
        const receiver = await connect(place, inbox);
        const sender = await connect(place, new Inbox());
        await place.drive(receiver.subscribe(['t']));
        const before = { sender: sender.trafficOctets(), receiver: receiver.trafficOctets() };
        const numbers = Array.from({ length: 20 }, (_, index) => `message ${index}`);
        await place.drive(Promise.all(numbers.map((words) => sender.publish('t', text(words), 'at-most-once'))));
        await place.drive(inbox.has(numbers.length));
        assert.deepEqual(
          inbox.messages.map((message) => new TextDecoder().decode(message.payload)),
          numbers,
        );
        assert.equal(sender.trafficOctets().received, before.sender.received);
        assert.equal(receiver.trafficOctets().sent, before.receiver.sent);
        await place.drive(Promise.all([receiver.close(), sender.close()]));
      }));

    test('many messages under way at once keep their order', () =>
      onBroker(async (place) => {
        const inbox = new Inbox();
        const receiver = await connect(place, inbox);
        const sender = await connect(place, new Inbox());
        await place.drive(receiver.subscribe(['t']));
        const numbers = Array.from({ length: 300 }, (_, index) => `message ${index}`);
        await place.drive(Promise.all(numbers.map((words) => sender.publish('t', text(words)))));
        await place.drive(inbox.has(numbers.length));
        assert.deepEqual(
          inbox.messages.map((message) => new TextDecoder().decode(message.payload)),
          numbers,
        );
        await place.drive(Promise.all([receiver.close(), sender.close()]));
      }));

    test('a listener may publish an answer', () =>
      onBroker(async (place) => {
        const answers = new Inbox();
        const asking = await connect(place, answers);
        let answering: MqttConnection | undefined;
        const published: Promise<void>[] = [];
        const answerer = new Inbox(async () => {
          if (answering !== undefined) published.push(answering.publish('answer', text('yes')));
        });
        answering = await connect(place, answerer);
        await place.drive(Promise.all([asking.subscribe(['answer']), answering.subscribe(['question'])]));
        await place.drive(asking.publish('question', text('?')));
        await place.drive(answers.has(1));
        await place.drive(Promise.all(published));
        await place.drive(Promise.all([asking.close(), answering.close()]));
      }));

    test('traffic counts payload and headers, both ways', () =>
      onBroker(async (place) => {
        const inbox = new Inbox();
        const receiver = await connect(place, inbox);
        const sender = await connect(place, new Inbox());
        await place.drive(receiver.subscribe(['t']));
        const before = { sender: sender.trafficOctets(), receiver: receiver.trafficOctets() };
        await place.drive(sender.publish('t', new Uint8Array(1_000)));
        await place.drive(inbox.has(1));
        // PUBLISH: 2 or 3 of fixed header, 2 + 1 of topic, 2 of packet id; PUBACK: 4.
        const sent = sender.trafficOctets().sent - before.sender.sent;
        const received = receiver.trafficOctets().received - before.receiver.received;
        assert.ok(sent >= 1_007 && sent <= 1_008, `sent ${sent}`);
        assert.ok(received >= 1_007 && received <= 1_008, `received ${received}`);
        assert.equal(sender.trafficOctets().received - before.sender.received, 4);
        await place.drive(Promise.all([receiver.close(), sender.close()]));
      }));

    test('after close, publishing and subscribing reject and the listener hears nothing', () =>
      onBroker(async (place) => {
        const inbox = new Inbox();
        const connection = await connect(place, inbox);
        await place.drive(connection.close());
        await place.drive(connection.close());
        await assert.rejects(place.drive(connection.publish('t', text('x'))));
        await assert.rejects(place.drive(connection.subscribe(['t'])));
        assert.deepEqual(inbox.reasons, []);
      }));

    test('when the broker dies the listener hears it once, with a reason, and publishing rejects', () =>
      onBroker(async (place) => {
        const inbox = new Inbox();
        const connection = await connect(place, inbox);
        await place.kill();
        const reason = await place.drive(inbox.ended);
        assert.notEqual(reason, '');
        await assert.rejects(place.drive(connection.publish('t', text('x'))));
        assert.equal(inbox.reasons.length, 1);
        await place.drive(connection.close());
      }));

    test('connecting to a broker that is down rejects', () =>
      onBroker(async (place) => {
        await place.kill();
        await assert.rejects(connect(place, new Inbox()));
      }));

    test('a second connection with the same id ends the first', () =>
      onBroker(async (place) => {
        const inbox = new Inbox();
        await connect(place, inbox, 'twin');
        const second = await connect(place, new Inbox(), 'twin');
        await place.drive(inbox.ended);
        await place.drive(second.publish('t', text('still here')));
        await place.drive(second.close());
      }));
  });
}

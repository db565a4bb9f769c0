/** The edge's small HTTP server: health and metrics. GET only, bodies ignored, everything bounded. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { HttpAnswer, Listener } from '../base/env.ts';
import {
  HTTP_CHECK_INTERVAL_MS,
  HTTP_CONNECTIONS_MAX,
  HTTP_HEADER_MAX_OCTETS,
  HTTP_HEADERS_TIMEOUT_MS,
  HTTP_REQUEST_TIMEOUT_MS,
} from './limits.ts';
import { listenOn } from './listen.ts';

/** Serves `answer` for each path (with its query). A rejected answer becomes a 500 without details. */
export function serveHttp(
  host: string,
  port: number,
  answer: (path: string) => Promise<HttpAnswer>,
): Promise<Listener> {
  const server = createServer(
    {
      maxHeaderSize: HTTP_HEADER_MAX_OCTETS,
      headersTimeout: HTTP_HEADERS_TIMEOUT_MS,
      requestTimeout: HTTP_REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: HTTP_CHECK_INTERVAL_MS,
    },
    (request, response) => {
      respond(request, answer).then(
        (result) => send(response, result),
        () => send(response, plainAnswer(500, 'The answer could not be made; the log says why.\n')),
      );
    },
  );
  server.maxConnections = HTTP_CONNECTIONS_MAX;
  return listenOn(server, host, port, () => server.closeAllConnections());
}

function respond(request: IncomingMessage, answer: (path: string) => Promise<HttpAnswer>): Promise<HttpAnswer> {
  request.resume();
  if (request.method !== 'GET') return Promise.resolve(plainAnswer(405, 'Only GET.\n'));
  return answer(request.url ?? '/');
}

function plainAnswer(status: number, body: string): HttpAnswer {
  return { status, contentType: 'text/plain; charset=utf-8', body };
}

function send(response: ServerResponse, answer: HttpAnswer): void {
  const body = Buffer.from(answer.body);
  response.writeHead(answer.status, {
    'content-type': answer.contentType,
    'content-length': body.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(answer.status === 405 ? { allow: 'GET' } : {}),
  });
  response.end(body);
}

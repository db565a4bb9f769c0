/** Images of firmware: bring one, see what there is, remove one. */
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { toHex } from '../../../base/bytes.ts';
import type { FirmwareBody } from '../../../model/command.ts';
import { IMAGE_MAX_OCTETS } from '../../../wire/limits.ts';
import { ApiError } from '../errors.ts';
import { IMAGES_MAX } from '../limits.ts';
import { imageJson } from '../present.ts';
import { PATH, QUERY } from '../requests.ts';
import { type ApiContext, addRoute } from '../route.ts';
import { ImageAnswer } from '../schemas.ts';

const OCTETS = 'application/octet-stream';

/** Adds the routes of images. */
export function registerImages(app: FastifyInstance, context: ApiContext): void {
  const { store, env } = context;
  app.addContentTypeParser(OCTETS, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  addRoute(app, {
    method: 'PUT',
    url: '/api/v1/images/:sha256',
    tag: 'images',
    summary: 'Bring an image of firmware',
    description: `The body is the image (${OCTETS}, at most 4 MiB); the address holds its SHA-256. Sent again it changes nothing.`,
    path: PATH.image,
    query: QUERY.image,
    bodyMaxBytes: IMAGE_MAX_OCTETS,
    answers: { 200: ImageAnswer, 201: ImageAnswer },
    async handle({ path, query, principal, request, reply }) {
      const octets: unknown = request.body;
      if (!(octets instanceof Uint8Array) || octets.length === 0)
        throw new ApiError('MEDIA_TYPE_UNKNOWN', '#/headers/content-type', `an image is ${OCTETS}`);
      const { sha256 } = path;
      if (toHex(env.crypto.sha256(octets)) !== sha256)
        throw new ApiError('IMAGE_HASH', '#/path/sha256', toHex(env.crypto.sha256(octets)));
      const known = await store.image(sha256);
      if (known !== undefined) return imageJson(known);
      if ((await store.images()).length >= IMAGES_MAX) throw new ApiError('IMAGES_FULL', '#', `${IMAGES_MAX} images`);
      const image = {
        tenantId: principal.tenantId,
        sha256,
        sizeOctets: octets.length,
        name: query.name ?? sha256.slice(0, 8),
        identifier: toHex(new TextEncoder().encode(query.identifier)),
        uploadedBy: principal.name,
        uploadedAtMs: env.clock.nowMs(),
      };
      await store.saveImage(image, octets);
      const detail = `${image.name}, ${image.sizeOctets} octets`;
      await store.audit({
        atMs: image.uploadedAtMs,
        actor: principal.name,
        action: 'image.brought',
        subject: sha256,
        detail,
      });
      return reply.code(201).send(imageJson(image));
    },
  });
  addRoute(app, {
    method: 'GET',
    url: '/api/v1/images',
    tag: 'images',
    summary: 'Images of firmware, oldest first',
    answers: { 200: Type.Object({ items: Type.Array(ImageAnswer) }) },
    handle: async () => ({ items: (await store.images()).map(imageJson) }),
  });
  addRoute(app, {
    method: 'DELETE',
    url: '/api/v1/images/:sha256',
    tag: 'images',
    summary: 'Remove an image',
    description: 'Commands under way that a concentrator has not fetched yet then fail.',
    path: PATH.image,
    answers: { 204: Type.Null() },
    async handle({ path, principal, reply }) {
      if (!(await store.removeImage(path.sha256))) throw new ApiError('IMAGE_UNKNOWN', '#/path/sha256', path.sha256);
      const line = { atMs: env.clock.nowMs(), actor: principal.name, action: 'image.removed', subject: path.sha256 };
      await store.audit({ ...line, detail: '' });
      return reply.code(204).send();
    },
  });
}

/** What is signed for the edge: the image as it is kept. Throws IMAGE_UNKNOWN. */
export async function firmwareBody(
  { store }: Pick<ApiContext, 'store'>,
  sha256: string,
  activateAtMs: number | null,
): Promise<FirmwareBody> {
  const image = await store.image(sha256);
  if (image === undefined) throw new ApiError('IMAGE_UNKNOWN', '#/body/body/sha256', sha256);
  const { sizeOctets, identifier } = image;
  return { kind: 'firmware', sha256, sizeOctets, identifier, activateAtMs };
}

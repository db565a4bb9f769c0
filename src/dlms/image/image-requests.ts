/** What each stage of an image transfer asks the meter. */
import type { Data } from '../axdr/data.ts';
import {
  blockData,
  blockRoomOctets,
  IMAGE_ATTRIBUTE,
  IMAGE_METHOD,
  IMAGE_ZERO,
  imageAttribute,
  imageMethod,
  initiateData,
} from './image-object.ts';
import type { ImageRoom, ImageStep, ImageTransferOptions } from './image-steps.ts';
import { STATUS_POLL_MS } from './limits.ts';

/** Where a transfer is between two questions. */
export type ImageStage =
  | 'look'
  | 'whose'
  | 'resize'
  | 'enable'
  | 'initiate'
  | 'send'
  | 'broadcast'
  | 'check'
  | 'verify'
  | 'poll'
  | 'info'
  | 'version-before'
  | 'ready'
  | 'activate'
  | 'version-after';

/** A block to send: its number and where its octets begin and end in the image. */
export interface BlockSpan {
  readonly number: number;
  readonly from: number;
  readonly to: number;
}

/** The question of a stage. */
export function requestOf(
  stage: ImageStage,
  { image, obis, version }: ImageTransferOptions,
  room: ImageRoom,
  block: BlockSpan,
  missing: readonly number[],
): ImageStep {
  const get = (...ids: readonly number[]): ImageStep => ({
    kind: 'get',
    items: ids.map((id) => imageAttribute(obis, id)),
  });
  const set = (id: number, value: Data): ImageStep => ({ kind: 'set', item: imageAttribute(obis, id), value });
  const invoke = (id: number, parameters: Data): ImageStep => ({
    kind: 'invoke',
    method: imageMethod(obis, id),
    parameters,
  });
  switch (stage) {
    case 'look':
      return get(IMAGE_ATTRIBUTE.status, IMAGE_ATTRIBUTE.blockSize, IMAGE_ATTRIBUTE.enabled);
    case 'whose':
    case 'info':
      return get(IMAGE_ATTRIBUTE.info);
    case 'resize':
      return set(IMAGE_ATTRIBUTE.blockSize, {
        type: 'double-long-unsigned',
        value: blockRoomOctets(room.pduMaxBytes),
      });
    case 'enable':
      return set(IMAGE_ATTRIBUTE.enabled, { type: 'boolean', value: true });
    case 'initiate':
      return invoke(IMAGE_METHOD.initiate, initiateData(image.identifier, image.octets.length));
    case 'send':
      return invoke(IMAGE_METHOD.blockTransfer, blockData(block.number, image.octets.subarray(block.from, block.to)));
    case 'broadcast':
      return { kind: 'broadcast', blockOctets: block.to - block.from, numbers: missing };
    case 'check':
      return get(IMAGE_ATTRIBUTE.firstNotTransferred, IMAGE_ATTRIBUTE.blocksStatus);
    case 'verify':
      return invoke(IMAGE_METHOD.verify, IMAGE_ZERO);
    case 'poll':
      return get(IMAGE_ATTRIBUTE.status);
    case 'version-before':
    case 'version-after':
      return version === null ? get(IMAGE_ATTRIBUTE.status) : { kind: 'get', items: [version] };
    case 'ready':
      return { kind: 'wait', delayMs: STATUS_POLL_MS };
    case 'activate':
      return invoke(IMAGE_METHOD.activate, IMAGE_ZERO);
  }
}

/** Carries the steps of an image transfer out over an association. */
import { DeltawattError } from '../../base/errors.ts';
import { agreed } from '../session/association.ts';
import type { MeterSession } from '../session/meter-session.ts';
import type { ImageAnswer, ImageRoom, ImageStep } from './image-steps.ts';

/** What is used of an association. */
export type ImageSession = Pick<MeterSession, 'get' | 'set' | 'action' | 'association'>;

/** What the association takes. */
export function imageRoomOf({ association }: Pick<MeterSession, 'association'>): ImageRoom {
  return {
    pduMaxBytes: association.serverPduMaxBytes,
    canSplit: agreed(association, 'block-transfer-with-action'),
  };
}

/**
 * Asks the meter. Never rejects because of the meter or the way to it: an answer that did not come is `lost`, and the
 * association is then of no use any more. Broadcasts, waits and ends are not for it.
 */
export async function askForImage(session: ImageSession, step: ImageStep): Promise<ImageAnswer> {
  try {
    return await asked(session, step);
  } catch (error) {
    if (error instanceof DeltawattError) return { kind: 'lost' };
    throw error;
  }
}

async function asked(session: ImageSession, step: ImageStep): Promise<ImageAnswer> {
  switch (step.kind) {
    case 'get': {
      const results = await session.get(step.items.map((item) => ({ ...item, access: null })));
      return { kind: 'values', results };
    }
    case 'set': {
      const [code] = await session.set([{ attribute: { ...step.item, access: null }, value: step.value }]);
      return code === undefined ? { kind: 'lost' } : { kind: 'result', code };
    }
    case 'invoke': {
      const [result] = await session.action([{ method: step.method, parameters: step.parameters }]);
      return result === undefined ? { kind: 'lost' } : { kind: 'result', code: result.actionResult };
    }
    case 'broadcast':
    case 'wait':
    case 'end':
      return { kind: 'lost' };
  }
}

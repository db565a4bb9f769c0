/** Whether a command may be taken: signature, address, epoch, time, meter. Pure; the first reason to refuse is given. */
import type { Crypto } from '../../base/env.ts';
import type { Command } from '../../model/command.ts';
import { commandSigningOctets, SIGNATURE_OCTETS } from '../../wire/codec.ts';
import type { EdgeErrorCode } from '../errors.ts';
import { COMMAND_LIFETIME_MAX_MS, COMMAND_OBJECTS_MAX } from '../limits.ts';

/** Whether the command is signed by the key: Ed25519 over "deltawatt command v1" | 00 | command. */
export function isSigned(
  command: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array,
  crypto: Pick<Crypto, 'verify'>,
): boolean {
  if (signature.length !== SIGNATURE_OCTETS) return false;
  return crypto.verify(publicKey, commandSigningOctets(command), signature);
}

/** What the gate knows of this edge. */
export interface GateView {
  readonly edgeId: string;
  readonly epoch: string;
  /** Collector time, null = unknown. */
  readonly nowMs: number | null;
  readonly knowsMeter: boolean;
  readonly openCommands: number;
  readonly openCommandsMax: number;
  /** Longest validity of an order to a relay, ms. */
  readonly orderValidityMs: number;
}

/** The reason to refuse a signed command that was not seen before, or null when it may be taken. */
export function reasonToRefuse(command: Command, view: GateView): EdgeErrorCode | null {
  if (command.edgeId !== view.edgeId) return 'COMMAND_OTHER_EDGE';
  if (command.epoch !== view.epoch) return 'COMMAND_OTHER_EPOCH';
  if (view.nowMs === null) return 'COMMAND_NO_TIME';
  if (command.expiresAtMs <= view.nowMs) return 'COMMAND_EXPIRED';
  if (command.expiresAtMs - view.nowMs > COMMAND_LIFETIME_MAX_MS) return 'COMMAND_LIFETIME';
  if (command.body.kind === 'relay' && command.expiresAtMs - view.nowMs > view.orderValidityMs)
    return 'COMMAND_VALIDITY';
  if (command.body.kind === 'read' && command.body.objects.length > COMMAND_OBJECTS_MAX) return 'COMMAND_TOO_LONG';
  if (!view.knowsMeter && command.body.kind !== 'adopt') return 'COMMAND_UNKNOWN_METER';
  return view.openCommands >= view.openCommandsMax ? 'COMMAND_TOO_MANY' : null;
}

/** How many of the times lie within the hour that ends at `nowMs`. */
export function withinHour(timesMs: Iterable<number>, nowMs: number): number {
  let count = 0;
  for (const timeMs of timesMs) if (timeMs > nowMs - 3_600_000) count++;
  return count;
}

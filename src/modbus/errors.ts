/** What can be wrong with a Modbus answer, and what a device may say instead of one. */
import { DeltawattError, errorsOf } from '../base/errors.ts';

/** Codes of this room; the detail of a malformed answer begins with `offset N:`. Exceptions are those of Modbus V1.1b3, 7. */
export const MODBUS_ERRORS = {
  MODBUS_FRAME: {
    side: 'path',
    retry: 'now',
    sentence:
      'The octets are no Modbus answer: look at speed and parity of the line, and whether two devices have one address.',
  },
  MODBUS_NO_ANSWER: {
    side: 'path',
    retry: 'later',
    sentence: 'No device answered: look at its address, at speed and parity, and at the wires.',
  },
  MODBUS_ILLEGAL_FUNCTION: {
    side: 'remote',
    retry: 'never',
    sentence:
      'The device does not know the function: the profile asks for holding registers (3) where it has input registers (4), or the other way round.',
  },
  MODBUS_ILLEGAL_ADDRESS: {
    side: 'remote',
    retry: 'never',
    sentence: 'The device has no such register: compare the register map of the profile with that of the device.',
  },
  MODBUS_ILLEGAL_VALUE: {
    side: 'remote',
    retry: 'never',
    sentence:
      'The device does not give so many registers at once: compare the types of the profile with its register map.',
  },
  MODBUS_DEVICE_FAILURE: { side: 'remote', retry: 'later', sentence: 'The device says that it has failed.' },
  MODBUS_BUSY: { side: 'remote', retry: 'later', sentence: 'The device is busy; it is asked again later.' },
  MODBUS_GATEWAY: {
    side: 'remote',
    retry: 'later',
    sentence: 'The gateway does not reach the device: look at its address, and at the line behind the gateway.',
  },
  MODBUS_EXCEPTION: { side: 'remote', retry: 'later', sentence: 'The device answers with an exception of its own.' },
} as const;

/** A code of {@link MODBUS_ERRORS}. */
export type ModbusErrorCode = keyof typeof MODBUS_ERRORS;

/** Makes an error of this room. */
export const modbusError = errorsOf<ModbusErrorCode>(MODBUS_ERRORS);

/** Whether an error is one of {@link MODBUS_ERRORS}. */
export function isModbusError(error: unknown): error is DeltawattError<ModbusErrorCode> {
  return error instanceof DeltawattError && error.code in MODBUS_ERRORS;
}

const EXCEPTIONS: ReadonlyMap<number, ModbusErrorCode> = new Map([
  [1, 'MODBUS_ILLEGAL_FUNCTION'],
  [2, 'MODBUS_ILLEGAL_ADDRESS'],
  [3, 'MODBUS_ILLEGAL_VALUE'],
  [4, 'MODBUS_DEVICE_FAILURE'],
  [6, 'MODBUS_BUSY'],
  [10, 'MODBUS_GATEWAY'],
  [11, 'MODBUS_GATEWAY'],
]);

/** The error of an exception code. */
export function exceptionError(code: number, where: string): DeltawattError<ModbusErrorCode> {
  return modbusError(EXCEPTIONS.get(code) ?? 'MODBUS_EXCEPTION', `exception ${code}, ${where}`);
}

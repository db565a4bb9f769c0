/**
 * Frames of Modbus for reading registers (Modbus V1.1b3, functions 3 and 4). RTU: `unit PDU CRC`, the CRC low octet first. TCP:
 * `transaction(2) 0000 length(2) unit PDU`. A request's PDU is `function first(2) count(2)`; an answer's `function octets data`,
 * or `function+80 exception`. Numbers are big-endian.
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts';
import { crc16Modbus } from '../base/crc.ts';
import { assert } from '../base/errors.ts';
import { exceptionError, modbusError } from './errors.ts';

/** How frames lie on the line. */
export type ModbusFraming = 'rtu' | 'tcp';

/** Registers that one request may ask for (6.3). */
export const REGISTERS_MAX = 125;
/** Octets of the longest frame: 260 of TCP. */
export const MODBUS_FRAME_MAX_OCTETS = 260;

/** A request. */
export interface ModbusRequest {
  /** Device address, 1 to 247; 0 to 255 behind TCP. */
  readonly unit: number;
  /** 3 = holding registers, 4 = input registers. */
  readonly function: 3 | 4;
  /** From 0. */
  readonly first: number;
  /** 1 to {@link REGISTERS_MAX}. */
  readonly count: number;
}

/** What a device says to a request: the octets of its registers, or an exception. */
export type ModbusAnswer = { readonly registers: Uint8Array } | { readonly exception: number };

const EXCEPTION = 0x80;
const CRC_OCTETS = 2;
const TCP_HEAD_OCTETS = 7;
const REQUEST_PDU_OCTETS = 5;

/** Octets of a request. */
export function encodeRequest(framing: ModbusFraming, request: ModbusRequest, transaction: number): Uint8Array {
  const { first, count } = request;
  assert(count >= 1 && count <= REGISTERS_MAX, `a request for ${count} registers`);
  const pdu = new ByteWriter(REQUEST_PDU_OCTETS).u8(request.function).u16(first).u16(count).finish();
  return framed(framing, request.unit, pdu, transaction);
}

/** Octets of an answer. */
export function encodeAnswer(
  framing: ModbusFraming,
  request: ModbusRequest,
  answer: ModbusAnswer,
  transaction: number,
): Uint8Array {
  const writer = new ByteWriter(MODBUS_FRAME_MAX_OCTETS);
  if ('exception' in answer) writer.u8(request.function | EXCEPTION).u8(answer.exception);
  else writer.u8(request.function).u8(answer.registers.length).bytes(answer.registers);
  return framed(framing, request.unit, writer.finish(), transaction);
}

function framed(framing: ModbusFraming, unit: number, pdu: Uint8Array, transaction: number): Uint8Array {
  const writer = new ByteWriter(MODBUS_FRAME_MAX_OCTETS);
  if (framing === 'tcp')
    return writer
      .u16(transaction)
      .u16(0)
      .u16(pdu.length + 1)
      .u8(unit)
      .bytes(pdu)
      .finish();
  writer.u8(unit).bytes(pdu);
  const crc = crc16Modbus(writer.written());
  return writer
    .u8(crc & 0xff)
    .u8(crc >> 8)
    .finish();
}

/** The request at the beginning of the octets, and how many it took; null = it goes on behind them. Throws MODBUS_FRAME. */
export function decodeRequest(
  framing: ModbusFraming,
  octets: Uint8Array,
): { readonly request: ModbusRequest; readonly transaction: number; readonly used: number } | null {
  const head = framing === 'tcp' ? TCP_HEAD_OCTETS : 1;
  const used = head + REQUEST_PDU_OCTETS + (framing === 'tcp' ? 0 : CRC_OCTETS);
  if (octets.length < used) return null;
  const { unit, transaction, pdu } = opened(framing, octets.subarray(0, used));
  const reader = new ByteReader(pdu);
  const [code, first, count] = [reader.u8(), reader.u16(), reader.u16()];
  if ((code !== 3 && code !== 4) || count < 1 || count > REGISTERS_MAX)
    throw modbusError('MODBUS_FRAME', `offset ${head}: function ${code} for ${count} registers`);
  return { request: { unit, function: code, first, count }, transaction, used };
}

/**
 * Octets of the registers in an answer to a request; null = it goes on behind the octets. Throws MODBUS_FRAME with the offset when
 * it is no answer to it, and the error of an exception.
 */
export function decodeAnswer(
  framing: ModbusFraming,
  octets: Uint8Array,
  request: ModbusRequest,
  transaction: number,
): Uint8Array | null {
  const head = framing === 'tcp' ? TCP_HEAD_OCTETS : 1;
  if (octets.length < head + 2) return null;
  const code = octets.subarray(head).at(0) ?? 0;
  const length = octets.subarray(head).at(1) ?? 0;
  const isException = code === (request.function | EXCEPTION);
  if (!isException && code !== request.function) throw modbusError('MODBUS_FRAME', `offset ${head}: function ${code}`);
  if (!isException && length !== 2 * request.count)
    throw modbusError('MODBUS_FRAME', `offset ${head + 1}: ${length} octets for ${request.count} registers`);
  const used = head + 2 + (isException ? 0 : length) + (framing === 'tcp' ? 0 : CRC_OCTETS);
  if (octets.length < used) return null;
  if (octets.length > used) throw modbusError('MODBUS_FRAME', `offset ${used}: octets behind the answer`);
  const frame = opened(framing, octets);
  if (frame.unit !== request.unit) throw modbusError('MODBUS_FRAME', `device ${frame.unit} answers`);
  if (framing === 'tcp' && frame.transaction !== transaction)
    throw modbusError('MODBUS_FRAME', 'offset 0: another transaction');
  if (isException) throw exceptionError(length, `register ${request.first} of function ${request.function}`);
  return frame.pdu.slice(2);
}

function opened(framing: ModbusFraming, octets: Uint8Array) {
  const reader = new ByteReader(octets);
  if (framing === 'tcp') {
    const [transaction, protocol, length, unit] = [reader.u16(), reader.u16(), reader.u16(), reader.u8()];
    if (protocol !== 0) throw modbusError('MODBUS_FRAME', `offset 2: protocol ${protocol}`);
    if (length !== reader.remaining + 1) throw modbusError('MODBUS_FRAME', `offset 4: a length of ${length}`);
    return { transaction, unit, pdu: reader.slice(reader.remaining) };
  }
  const unit = reader.u8();
  const pdu = reader.slice(reader.remaining - CRC_OCTETS);
  const crc = reader.u8() | (reader.u8() << 8);
  if (crc !== crc16Modbus(octets.subarray(0, -CRC_OCTETS)))
    throw modbusError('MODBUS_FRAME', `offset ${octets.length - CRC_OCTETS}: the CRC is wrong`);
  return { transaction: 0, unit, pdu };
}

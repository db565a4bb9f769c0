/** ACCESS: several gets, sets and actions in one message (tags D9 and DA). */

import type { ByteReader, ByteWriter } from '../../base/bytes.ts';
import type { Data } from '../axdr/data.ts';
import { writeTagged } from '../axdr/decode.ts';
import { readOctets, writeOctets } from '../axdr/length.ts';
import type { DataWalk } from '../axdr/walk.ts';
import type { ApduForm } from './form.ts';
import { badChoice, form, readDataList, readItems, readPresent, writeItems } from './form.ts';
import type { AttributeDescriptor, LongInvocation, MethodDescriptor, SelectiveAccess } from './service.ts';
import {
  readAttribute,
  readLongInvocation,
  readMethod,
  readSelection,
  writeAttribute,
  writeLongInvocation,
  writeMethod,
  writeResult,
  writeSelection,
} from './service.ts';

/** One thing to do. */
export type AccessSpecification =
  | ({ readonly choice: 'get' | 'set' } & AttributeDescriptor)
  | ({ readonly choice: 'action' } & MethodDescriptor)
  | ({
      readonly choice: 'get-with-selection' | 'set-with-selection';
      readonly access: SelectiveAccess;
    } & AttributeDescriptor);

/** Asks for all of them; `dataList` in the same order, null-data for a get. */
export interface AccessRequest extends LongInvocation {
  readonly apdu: 'access-request';
  readonly dateTime: Uint8Array;
  readonly specifications: readonly AccessSpecification[];
  readonly dataList: readonly Data[];
}
/** Answers all of them in the same order. */
export interface AccessResponse extends LongInvocation {
  readonly apdu: 'access-response';
  readonly dateTime: Uint8Array;
  /** The server may echo what was asked. */
  readonly specifications: readonly AccessSpecification[] | null;
  readonly dataList: readonly Data[];
  readonly results: readonly { readonly choice: 'get' | 'set' | 'action'; readonly result: number }[];
}
/** ACCESS, both ways. */
export type AccessApdu = AccessRequest | AccessResponse;

/** The forms of ACCESS. */
export const ACCESS_FORMS: readonly ApduForm[] = [
  form<AccessRequest>(
    0xd9,
    null,
    'access-request',
    (reader, walk) => ({
      ...readLongInvocation(reader),
      dateTime: readOctets(reader),
      specifications: readItems(reader, () => readSpecification(reader, walk)),
      dataList: readDataList(reader, walk),
    }),
    (writer, apdu) => {
      writeLongInvocation(writer, apdu);
      writeOctets(writer, apdu.dateTime);
      writeItems(writer, apdu.specifications, writeSpecification);
      writeItems(writer, apdu.dataList, writeTagged);
    },
  ),
  form<AccessResponse>(
    0xda,
    null,
    'access-response',
    (reader, walk) => ({
      ...readLongInvocation(reader),
      dateTime: readOctets(reader),
      specifications: readPresent(reader, 'access specification')
        ? readItems(reader, () => readSpecification(reader, walk))
        : null,
      dataList: readDataList(reader, walk),
      results: readItems(reader, readAccessResult),
    }),
    (writer, apdu) => {
      writeLongInvocation(writer, apdu);
      writeOctets(writer, apdu.dateTime);
      writer.u8(apdu.specifications === null ? 0 : 1);
      if (apdu.specifications !== null) writeItems(writer, apdu.specifications, writeSpecification);
      writeItems(writer, apdu.dataList, writeTagged);
      writeItems(writer, apdu.results, (_, item) => {
        writer.u8(CHOICES.indexOf(item.choice));
        writeResult(writer, item.result);
      });
    },
  ),
];

const CHOICES = [null, 'get', 'set', 'action', 'get-with-selection', 'set-with-selection'] as const;

function readSpecification(reader: ByteReader, walk: DataWalk): AccessSpecification {
  const octet = reader.u8();
  const choice = CHOICES[octet];
  switch (choice) {
    case 'get':
    case 'set':
      return { choice, ...readAttribute(reader) };
    case 'action':
      return { choice, ...readMethod(reader) };
    case 'get-with-selection':
    case 'set-with-selection':
      return { choice, ...readAttribute(reader), access: readSelection(reader, walk) };
    default:
      throw badChoice(reader, 'access specification', octet);
  }
}

function writeSpecification(writer: ByteWriter, value: AccessSpecification): void {
  writer.u8(CHOICES.indexOf(value.choice));
  if (value.choice === 'action') {
    writeMethod(writer, value);
    return;
  }
  writeAttribute(writer, value);
  if (value.choice === 'get-with-selection' || value.choice === 'set-with-selection')
    writeSelection(writer, value.access);
}

function readAccessResult(reader: ByteReader): AccessResponse['results'][number] {
  const octet = reader.u8();
  const choice = CHOICES[octet];
  if (choice !== 'get' && choice !== 'set' && choice !== 'action') throw badChoice(reader, 'access result', octet);
  return { choice, result: reader.u8() };
}

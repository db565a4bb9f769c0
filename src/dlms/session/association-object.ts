/** The current association as an object of class 15, 0-0:40.0.0*255 (Blue Book, association LN version 1). */
import type { Data } from '../axdr/data.ts';
import { type ObisCode, obisOf, obisToOctets } from '../cosem/obis.ts';
import type { GetDataResult } from '../xdlms/service.ts';
import { DLMS_VERSION } from './association.ts';
import { type ListedObject, RESULT } from './object-model.ts';

/** Interface class of association LN. */
export const ASSOCIATION_CLASS = 15;
/** Logical name of the association in which the question is asked. */
export const CURRENT_ASSOCIATION: ObisCode = obisOf(0, 0, 40, 0, 0, 255);

/** Its method that takes pass 3 of a high-level authentication and answers with pass 4. */
export const REPLY_TO_HLS = 1;

/** What the association object tells about itself. */
export interface AssociationFacts {
  readonly client: number;
  readonly server: number;
  readonly conformance: number;
  readonly serverPduMaxBytes: number;
  readonly clientPduMaxBytes: number;
  /** Longest answer before protection, octets; 0 = no limit. Asked each time: protection takes more in some forms. */
  readonly answerMaxBytes: () => number;
  /** 0 none, 1 LLS, 2 to 7 HLS. */
  readonly mechanism: number;
  /** 1 logical names, 3 with ciphering. */
  readonly context: number;
  readonly objects: readonly ListedObject[];
}

/** How the association object stands in its own object list. */
export const ASSOCIATION_LISTED: ListedObject = {
  classId: ASSOCIATION_CLASS,
  version: 1,
  instanceId: CURRENT_ASSOCIATION,
  attributes: [1, 2, 3, 4, 5, 6, 8].map((id) => ({ id, access: 1 })),
  methods: [],
};

const u8 = (value: number): Data => ({ type: 'unsigned', value });
const u16 = (value: number): Data => ({ type: 'long-unsigned', value });
const octets = (value: Uint8Array): Data => ({ type: 'octet-string', value });
const structure = (...value: Data[]): Data => ({ type: 'structure', value });
const array = (value: readonly Data[]): Data => ({ type: 'array', value });

/** The context or mechanism name as its object identifier: 2.16.756.5.8.`arc`.`n`. */
function objectName(arc: 1 | 2, n: number): Data {
  return octets(Uint8Array.of(0x60, 0x85, 0x74, 0x05, 0x08, arc, n));
}

/** 24 bits, first bit = bit 0 of the standard. */
function conformanceBits(conformance: number): Data {
  return { type: 'bit-string', value: conformance.toString(2).padStart(24, '0') };
}

function listedObject({ classId, version, instanceId, attributes, methods }: ListedObject): Data {
  const attributeItems = attributes.map(({ id, access, selectors }) =>
    structure(
      { type: 'integer', value: id },
      { type: 'enum', value: access },
      selectors === undefined ? { type: 'null-data' } : array(selectors.map((value) => ({ type: 'integer', value }))),
    ),
  );
  const methodItems = methods.map(({ id, access }) =>
    structure({ type: 'integer', value: id }, { type: 'enum', value: access ? 1 : 0 }),
  );
  return structure(
    u16(classId),
    u8(version),
    octets(obisToOctets(instanceId)),
    structure(array(attributeItems), array(methodItems)),
  );
}

/** Reads one of its attributes. */
export function readAssociation(attributeId: number, facts: AssociationFacts): GetDataResult {
  switch (attributeId) {
    case 1:
      return { data: octets(obisToOctets(CURRENT_ASSOCIATION)) };
    case 2:
      return { data: array(facts.objects.map(listedObject)) };
    case 3:
      return { data: structure({ type: 'integer', value: facts.client }, u16(facts.server)) };
    case 4:
      return { data: objectName(1, facts.context) };
    case 5:
      return {
        data: structure(
          conformanceBits(facts.conformance),
          u16(facts.clientPduMaxBytes),
          u16(facts.serverPduMaxBytes),
          u8(DLMS_VERSION),
          { type: 'integer', value: 0 },
          octets(new Uint8Array(0)),
        ),
      };
    case 6:
      return { data: objectName(2, facts.mechanism) };
    case 8:
      return { data: { type: 'enum', value: 2 } };
    default:
      return { dataAccessResult: RESULT.objectUndefined };
  }
}

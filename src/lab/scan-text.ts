/** What was scanned, as a table for people and as JSON for programs. */

import { type ClassRules, interfaceClassOf } from '../dlms/cosem/classes/index.ts';
import { obisName } from '../dlms/cosem/obis-names.ts';
import { UNIT_NONE, unitSymbol } from '../dlms/cosem/units.ts';
import type { Json } from '../dlms/explain/json.ts';
import { attributesText, classWords, methodsText } from './object-table.ts';
import type { ClientScan, ScannedObject } from './scan-meter.ts';
import { alignedText, type TextTable } from './text-table.ts';

/** A table for each client. */
export function scansText(scans: readonly ClientScan[], rules: ClassRules): string {
  return scans
    .map((scan) => {
      const { client, objects } = scan;
      return `Client ${client}: ${objects.length} objects\n${alignedText(scanTable(scan, rules))}`;
    })
    .join('\n');
}

function scanTable({ objects }: ClientScan, rules: ClassRules): TextTable {
  return {
    columns: ['class', 'version', 'class name', 'logical name', 'meaning', 'facts', 'attributes', 'methods'],
    rows: objects.map((object) => [
      String(object.classId),
      String(object.version),
      classWords(object.classId, object.version, rules),
      object.obis,
      obisName(object.obis) ?? '',
      factsText(object),
      attributesText(object.attributes),
      methodsText(object.methods),
    ]),
  };
}

/** What an object says of itself in a few words. */
function factsText({ scalerUnit, buffer, text, valueType, controlMode }: ScannedObject): string {
  if (buffer !== null) {
    const period = buffer.periodS === null || buffer.periodS === 0 ? 'at events' : `every ${buffer.periodS} s`;
    const rows = buffer.rowsMax === null ? '' : `, ${buffer.rowsMax} rows`;
    return `${buffer.columns.length} columns, ${period}${rows}`;
  }
  if (text !== null) return JSON.stringify(text);
  if (controlMode !== null) return `control mode ${controlMode}`;
  if (scalerUnit === null) return valueType ?? '';
  const unit = scalerUnit.unit === UNIT_NONE ? 'no unit' : unitSymbol(scalerUnit.unit);
  return `${valueType ?? 'value'} x 10^${scalerUnit.scaler} ${unit}`;
}

function classNameOf({ classId, version }: ScannedObject, rules: ClassRules): string {
  return interfaceClassOf(classId, version, rules)?.table.name ?? `class ${classId}`;
}

/** The same as JSON. */
export function scansJson(scans: readonly ClientScan[], rules: ClassRules): Json {
  return scans.map(({ client, security, framing, referencing, objects }) => ({
    client,
    security,
    framing,
    names: referencing,
    objects: objects.map((object) => ({
      classId: object.classId,
      version: object.version,
      className: classNameOf(object, rules),
      isVersionKnown: interfaceClassOf(object.classId, object.version, rules)?.exact ?? false,
      obis: object.obis,
      meaning: obisName(object.obis),
      valueType: object.valueType,
      scaler: object.scalerUnit?.scaler ?? null,
      unit: unitJson(object),
      text: object.text,
      controlMode: object.controlMode,
      buffer: bufferJson(object),
      attributes: object.attributes.map(({ id, canRead, canWrite, selectors }) => ({
        id,
        canRead,
        canWrite,
        selectors,
      })),
      methods: object.methods.map(({ id, canInvoke }) => ({ id, canInvoke })),
    })),
  }));
}

function unitJson({ scalerUnit }: ScannedObject): string | null {
  return scalerUnit === null || scalerUnit.unit === UNIT_NONE ? null : unitSymbol(scalerUnit.unit);
}

function bufferJson({ buffer }: ScannedObject): Json {
  if (buffer === null) return null;
  const columns = buffer.columns.map(({ classId, instanceId, attributeId, dataIndex }) => ({
    classId,
    obis: instanceId,
    attribute: attributeId,
    dataIndex,
  }));
  return { columns, periodS: buffer.periodS, rowsMax: buffer.rowsMax };
}

/**
 * Compact data (class 62, version 0) of a simulated meter: clock and registers of the profile in one buffer without tags. A
 * client with control rights writes capture objects, template id and capture method, as a meter is set up anew in the field:
 * the template follows, and a buffer that was captured before is emptied.
 */
import type { Data } from '../../../dlms/axdr/data.ts';
import { type CaptureObject, captureObjectsData, captureObjectsOf } from '../../../dlms/cosem/capture-object.ts';
import { type CompactData, compactDataOf } from '../../../dlms/cosem/compact-data.ts';
import { parseObis } from '../../../dlms/cosem/obis.ts';
import { isDlmsError } from '../../../dlms/errors.ts';
import { RESULT } from '../../../dlms/session/object-model.ts';
import type { CompactRule, RegisterRule } from '../../../profile/schema/profile.ts';
import type { Device } from '../device.ts';
import { momentData, valueData } from './measurements.ts';
import { type SimObject, simObject } from './object.ts';

const COMPACT_DATA = 62;
const ATTRIBUTE = { buffer: 2, objects: 3, templateId: 4, template: 5, method: 6 };
const METHOD = { onInvocation: 0, implicit: 1 } as const;
const RESET = 1;
const CLOCK_CLASS = 8;
const VALUE = 2;
const CLOCK_OBIS = '0-0:1.0.0*255';

/** One compact data object. */
export function compactObject(device: Device, rule: CompactRule): SimObject {
  const compact = new Compact(device, rule);
  return simObject({
    classId: COMPACT_DATA,
    version: 0,
    obis: parseObis(rule.obis),
    writable: [ATTRIBUTE.objects, ATTRIBUTE.templateId, ATTRIBUTE.method],
    methods: [1, 2],
    values: {
      [ATTRIBUTE.buffer]: () => ({ type: 'octet-string', value: compact.content().buffer }),
      [ATTRIBUTE.objects]: () => captureObjectsData(compact.objects),
      [ATTRIBUTE.templateId]: () => ({ type: 'unsigned', value: compact.templateId }),
      [ATTRIBUTE.template]: () => ({ type: 'octet-string', value: compact.captured().template }),
      [ATTRIBUTE.method]: () => ({ type: 'enum', value: compact.method }),
    },
    write: (attribute, value) => compact.write(attribute, value),
    invoke: (method) => {
      compact.held = method === RESET ? null : compact.captured();
      return RESULT.success;
    },
  });
}

class Compact {
  objects: readonly CaptureObject[];
  templateId = 1;
  method: number = METHOD.implicit;
  /** What was captured last by invocation; null = nothing since the last reset. */
  held: CompactData | null = null;

  constructor(
    private readonly device: Device,
    private readonly rule: CompactRule,
  ) {
    const clock = parseObis(device.profile.clock.obis ?? CLOCK_OBIS);
    this.objects = [
      { classId: COMPACT_DATA, instanceId: parseObis(rule.obis), attributeId: ATTRIBUTE.templateId, dataIndex: 0 },
      { classId: CLOCK_CLASS, instanceId: clock, attributeId: VALUE, dataIndex: 0 },
      ...rule.registers.map(({ classId, obis, attribute }) => ({
        classId,
        instanceId: parseObis(obis),
        attributeId: attribute,
        dataIndex: 0,
      })),
    ];
  }

  /** The row of now. */
  captured(): CompactData {
    return compactDataOf([this.objects.map((object) => this.#valueOf(object) ?? { type: 'null-data' })]);
  }

  /** What a client reads. */
  content(): CompactData {
    if (this.method === METHOD.implicit) return this.captured();
    return this.held ?? { ...this.captured(), buffer: new Uint8Array(0) };
  }

  write(attribute: number, value: Data): number {
    switch (attribute) {
      case ATTRIBUTE.objects:
        return this.#writeObjects(value);
      case ATTRIBUTE.templateId:
        if (value.type !== 'unsigned') return RESULT.typeUnmatched;
        this.templateId = value.value;
        return RESULT.success;
      default:
        if (value.type !== 'enum') return RESULT.typeUnmatched;
        if (value.value > METHOD.implicit) return RESULT.otherReason;
        this.method = value.value;
        return RESULT.success;
    }
  }

  #writeObjects(value: Data): number {
    try {
      const objects = captureObjectsOf(value);
      if (objects.length === 0 || objects.some((object) => this.#valueOf(object) === null))
        return RESULT.objectUndefined;
      this.objects = objects;
      this.held = null;
      return RESULT.success;
    } catch (error) {
      if (isDlmsError(error)) return RESULT.typeUnmatched;
      throw error;
    }
  }

  #valueOf(object: CaptureObject): Data | null {
    const { device } = this;
    const { classId, instanceId, attributeId, dataIndex } = object;
    if (dataIndex !== 0) return null;
    if (classId === COMPACT_DATA && instanceId === parseObis(this.rule.obis) && attributeId === ATTRIBUTE.templateId)
      return { type: 'unsigned', value: this.templateId };
    if (classId === CLOCK_CLASS && instanceId === parseObis(device.profile.clock.obis ?? CLOCK_OBIS))
      return attributeId === VALUE ? momentData(device, device.nowMs) : null;
    const register = device.profile.registers.find((each) => isCaptured(each, object));
    return register === undefined ? null : valueData(register.type, device.registerAt(register, device.nowMs));
  }
}

function isCaptured({ classId, obis, attribute }: RegisterRule, object: CaptureObject): boolean {
  return object.classId === classId && object.instanceId === obis && object.attributeId === attribute;
}

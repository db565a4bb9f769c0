/** Every interface class that this room knows: one line a class. */

import type { InterfaceClass } from '../interface-class.ts';
import { DATA } from './1-data.ts';
import { REGISTER } from './3-register.ts';
import { EXTENDED_REGISTER } from './4-extended-register.ts';
import { DEMAND_REGISTER } from './5-demand-register.ts';
import { PROFILE_GENERIC } from './7-profile-generic.ts';
import { CLOCK } from './8-clock.ts';
import { ASSOCIATION_LN } from './15-association-ln.ts';
import { SAP_ASSIGNMENT } from './17-sap-assignment.ts';
import { HDLC_SETUP } from './23-hdlc-setup.ts';
import { DISCONNECT_CONTROL } from './70-disconnect-control.ts';

/** Classes and versions, by number. */
export const INTERFACE_CLASSES: readonly InterfaceClass[] = [
  ...DATA,
  ...REGISTER,
  ...EXTENDED_REGISTER,
  ...DEMAND_REGISTER,
  ...PROFILE_GENERIC,
  ...CLOCK,
  ...ASSOCIATION_LN,
  ...SAP_ASSIGNMENT,
  ...HDLC_SETUP,
  ...DISCONNECT_CONTROL,
];

/**
 * The table of a class. Of an unknown version, the nearest lower one; `exact` says so. Undefined for an unknown class.
 */
export function interfaceClassOf(
  id: number,
  version: number,
): { readonly table: InterfaceClass; readonly exact: boolean } | undefined {
  const versions = INTERFACE_CLASSES.filter((entry) => entry.id === id).sort((a, b) => a.version - b.version);
  const table = versions.findLast((entry) => entry.version <= version) ?? versions[0];
  return table === undefined ? undefined : { table, exact: table.version === version };
}

/** Name of an attribute in the newest version of its class, or undefined. */
export function attributeName(classId: number, attributeId: number): string | undefined {
  const table = interfaceClassOf(classId, 255)?.table;
  return table?.attributes.find((attribute) => attribute.index === attributeId)?.name;
}

/** Name of a method in the newest version of its class, or undefined. */
export function methodName(classId: number, methodId: number): string | undefined {
  const table = interfaceClassOf(classId, 255)?.table;
  return table?.methods.find((method) => method.index === methodId)?.name;
}

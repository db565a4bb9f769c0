/** ACCESS at the server: each thing in turn, with the rights of its own service; results in the order asked. */
import type { Data } from '../axdr/data.ts';
import type { AccessRequest, AccessResponse, AccessSpecification } from '../xdlms/access.ts';
import { RESULT } from './object-model.ts';
import type { ServedObjects } from './served-objects.ts';

type Item = { readonly result: number; readonly data: Data };

const NULL_DATA: Data = { type: 'null-data' };

/** Whether attribute 0 stands for all attributes, and selections are understood. */
export interface AccessExtras {
  readonly allWithGet: boolean;
  readonly allWithSet: boolean;
  readonly selection: boolean;
}

/** Does everything that is asked; after a refusal the rest is left undone when the client wants it so. */
export function serveAccess(request: AccessRequest, objects: ServedObjects, extras: AccessExtras): AccessResponse {
  const { longInvokeId, confirmed, highPriority, breakOnError, specifications, dataList } = request;
  let stopped = false;
  const items = specifications.map((specification, at): Item => {
    if (stopped) return { result: RESULT.otherReason, data: NULL_DATA };
    const item = serveOne(specification, dataList.at(at), objects, extras);
    stopped = breakOnError && item.result !== RESULT.success;
    return item;
  });
  return {
    apdu: 'access-response',
    longInvokeId,
    selfDescriptive: false,
    breakOnError,
    confirmed,
    highPriority,
    dateTime: new Uint8Array(0),
    specifications: null,
    dataList: items.map(({ data }) => data),
    results: items.map(({ result }, at) => ({ choice: serviceOf(specifications[at]), result })),
  };
}

function serviceOf(specification: AccessSpecification | undefined): 'get' | 'set' | 'action' {
  if (specification?.choice === 'action') return 'action';
  return specification?.choice.startsWith('set') === true ? 'set' : 'get';
}

function serveOne(
  specification: AccessSpecification,
  data: Data | undefined,
  objects: ServedObjects,
  { allWithGet, allWithSet, selection }: AccessExtras,
): Item {
  if (data === undefined) return { result: RESULT.typeUnmatched, data: NULL_DATA };
  if (specification.choice === 'action') return invoked(specification, data, objects);
  const { classId, instanceId, attributeId } = specification;
  const access = 'access' in specification ? specification.access : null;
  if (access !== null && !selection) return { result: RESULT.scopeOfAccessViolated, data: NULL_DATA };
  const attribute = { classId, instanceId, attributeId, access };
  if (serviceOf(specification) === 'set')
    return { result: objects.write(attribute, data, allWithSet), data: NULL_DATA };
  const result = objects.read(attribute, allWithGet);
  return 'data' in result
    ? { result: RESULT.success, data: result.data }
    : { result: result.dataAccessResult, data: NULL_DATA };
}

function invoked(
  { classId, instanceId, methodId }: Extract<AccessSpecification, { choice: 'action' }>,
  data: Data,
  objects: ServedObjects,
): Item {
  const { actionResult, returnParameters } = objects.invoke({ classId, instanceId, methodId }, data);
  const given = returnParameters !== null && 'data' in returnParameters ? returnParameters.data : NULL_DATA;
  return { result: actionResult, data: given };
}

/**
 * Short names: the caller says class, OBIS and number all the same, and the session looks the names up in the object list of
 * association SN.
 *
 * The list is read once for each meter (`ShortNames`). An association that finds it already read does not trust it: a new
 * firmware may have given the names to other objects. So the first time that it uses an object it reads the object's
 * attribute 1, its logical name, and when that is another one the list is forgotten and nothing is read or written.
 */
import type { Data } from '../axdr/data.ts';
import { type ObisCode, obisFromOctets } from '../cosem/obis.ts';
import {
  ASSOCIATION_SN_CLASS,
  attributeNameOf,
  CURRENT_ASSOCIATION_NAME,
  methodNameOf,
  type NamedObject,
  namedObjectsOf,
} from '../cosem/short-names.ts';
import type { Apdu } from '../xdlms/apdu.ts';
import type { ActionResult, AttributeAccess, GetDataResult, Invocation, SelectiveAccess } from '../xdlms/service.ts';
import type { VariableAccess } from '../xdlms/short-name.ts';
import { type Association, agreed, requestMaxBytes, SHORT_CONFORMANCE } from './association.ts';
import { CURRENT_ASSOCIATION } from './association-object.ts';
import { sessionError } from './errors.ts';
import type { Exchange, ExchangeLimits, Step } from './exchange.ts';
import { RESULT } from './object-model.ts';
import { type ProofForm, shortProof } from './proof.ts';
import type { ItemExchange, ItemResult, Referencing } from './referencing.ts';
import type { AttributeValue, MeterRequest, MethodCall } from './request.ts';
import { type ReadValue, readExchange, writeExchange } from './short-exchange.ts';
import type { ShortMethodForm, ShortNameRules, ShortNames } from './short-names.ts';

/** The association, whose name is known before any list was read. */
const OWN: NamedObject = {
  baseName: CURRENT_ASSOCIATION_NAME,
  classId: ASSOCIATION_SN_CLASS,
  version: 0,
  obis: CURRENT_ASSOCIATION,
};
const OBJECT_LIST = 2;
const NULL_DATA: Data = { type: 'null-data' };

/** How methods are called in an association that agreed on these services. */
function methodFormOf({ snMethod }: ShortNameRules, parameterized: boolean): ShortMethodForm {
  return snMethod ?? (parameterized ? 'read' : 'write');
}

/** Referencing by short names, for one association. */
export class ShortReferencing implements Referencing {
  readonly name = 'short';
  readonly conformance = SHORT_CONFORMANCE;
  readonly numbersAnswers = false;
  readonly #names: ShortNames;
  /** Objects whose names may be used; null = the list was read in this association, so all of them. */
  #checked: Set<NamedObject> | null = new Set();

  constructor(names: ShortNames) {
    this.#names = names;
  }

  proof(conformance: number): ProofForm {
    return shortProof(methodFormOf(this.#names.rules, agreed({ conformance }, 'parameterized-access')));
  }

  isAnswer({ apdu }: Apdu): boolean {
    return apdu === 'read-response' || apdu === 'write-response';
  }

  preparation(request: MeterRequest, association: Association): ItemExchange | null {
    if (request.service === 'access') return null;
    const objects = request.items.map((item) => objectOf(item));
    if (objects.every(isOwn)) return null;
    const { known } = this.#names;
    if (known === null) return this.#listExchange(association);
    if (this.#checked === null) return null;
    const unchecked = new Set<NamedObject>();
    for (const { classId, instanceId } of objects) {
      const object = known.find(classId, instanceId);
      if (object !== undefined && !this.#checked.has(object)) unchecked.add(object);
    }
    return unchecked.size === 0 ? null : this.#checkExchange([...unchecked], association);
  }

  #listExchange(association: Association): ItemExchange {
    const list = attributeNameOf(OWN, OBJECT_LIST) ?? 0;
    const asked = readExchange([{ kind: 'variable', name: list }], readLimits(association));
    return mapped(asked, ([result]) => {
      if (result?.kind !== 'data')
        throw sessionError('SESSION_NAMES', `the object list, result ${result?.dataAccessError ?? 'none'}`);
      this.#learn(result.data);
      return [];
    });
  }

  #learn(list: Data): void {
    this.#names.learn(namedObjectsOf(list));
    this.#checked = null;
  }

  #checkExchange(objects: readonly NamedObject[], association: Association): ItemExchange {
    const asked = readExchange(
      objects.map(({ baseName }) => ({ kind: 'variable', name: baseName })),
      readLimits(association),
    );
    return mapped(asked, (results) => {
      for (const [at, object] of objects.entries()) {
        if (logicalNameIn(results[at]) !== object.obis) {
          this.#names.forget();
          throw sessionError('SESSION_NAMES', `${object.baseName.toString(16)} is no longer ${object.obis}`);
        }
        this.#checked?.add(object);
      }
      return [];
    });
  }

  exchange(
    request: MeterRequest,
    _invocation: Invocation,
    association: Association,
  ): ItemExchange | readonly ItemResult[] {
    switch (request.service) {
      case 'get':
        return this.#get(request.items, association);
      case 'set':
        return this.#set(request.items, association);
      case 'action':
        return this.#action(request.items, association);
      case 'access':
        throw sessionError('SESSION_NOT_AGREED', 'ACCESS with short names');
    }
  }

  #find(classId: number, instanceId: ObisCode): NamedObject | undefined {
    if (isOwn({ classId, instanceId })) return OWN;
    return this.#names.known?.find(classId, instanceId);
  }

  /** The variable that an attribute is; null when the meter's list does not have the object. */
  #variable({ classId, instanceId, attributeId, access }: AttributeAccess): VariableAccess | null {
    const object = this.#find(classId, instanceId);
    const name = object === undefined ? null : attributeNameOf(object, attributeId);
    return name === null ? null : variableOf(name, access);
  }

  #get(items: readonly AttributeAccess[], association: Association): ItemExchange | readonly ItemResult[] {
    const variables = items.map((item) => this.#variable(item));
    return withoutUnnamed<GetDataResult>(variables, { dataAccessResult: RESULT.objectUndefined }, (named) =>
      mapped(readExchange(named, readLimits(association)), (results) => {
        const list = results[variables.filter((each) => each !== null).findIndex(isListVariable)];
        if (list?.kind === 'data') this.#learn(list.data);
        return results.map((result) =>
          result.kind === 'data' ? { data: result.data } : { dataAccessResult: result.dataAccessError },
        );
      }),
    );
  }

  #set(items: readonly AttributeValue[], association: Association): ItemExchange | readonly ItemResult[] {
    const variables = items.map(({ attribute }) => this.#variable(attribute));
    const values = items.filter((_, at) => variables[at] !== null).map(({ value }) => value);
    return withoutUnnamed<number>(variables, RESULT.objectUndefined, (named) =>
      writeExchange(named, values, writeLimits(association)),
    );
  }

  #action(items: readonly MethodCall[], association: Association): ItemExchange | readonly ItemResult[] {
    const names = items.map(({ method: { classId, instanceId, methodId } }) => {
      const object = this.#find(classId, instanceId);
      if (object === undefined) return null;
      const name = methodNameOf(object, methodId);
      if (name === null) throw sessionError('SESSION_METHOD_NAME', `class ${object.classId} version ${object.version}`);
      return name;
    });
    const parameters = items
      .filter((_, at) => names[at] !== null)
      .map(({ parameters: parameter }) => parameter ?? NULL_DATA);
    const form = methodFormOf(this.#names.rules, agreed(association, 'parameterized-access'));
    const variables = names.map((name, at): VariableAccess | null => {
      if (name === null) return null;
      if (form === 'write') return { kind: 'variable', name };
      return { kind: 'parameterized', name, selector: 0, parameter: items[at]?.parameters ?? NULL_DATA };
    });
    const undefined_: ActionResult = { actionResult: RESULT.objectUndefined, returnParameters: null };
    return withoutUnnamed<ActionResult>(variables, undefined_, (named) =>
      form === 'read'
        ? mapped(readExchange(named, readLimits(association)), (results) => results.map(actionResultOf))
        : mapped(writeExchange(named, parameters, writeLimits(association)), (results) =>
            results.map((actionResult) => ({ actionResult, returnParameters: null })),
          ),
    );
  }
}

interface ObjectReference {
  readonly classId: number;
  readonly instanceId: ObisCode;
}

function objectOf(item: AttributeAccess | AttributeValue | MethodCall): ObjectReference {
  if ('method' in item) return item.method;
  return 'attribute' in item ? item.attribute : item;
}

function isOwn({ classId, instanceId }: ObjectReference): boolean {
  return classId === ASSOCIATION_SN_CLASS && instanceId === CURRENT_ASSOCIATION;
}

function variableOf(name: number, access: SelectiveAccess | null): VariableAccess {
  if (access === null) return { kind: 'variable', name };
  return { kind: 'parameterized', name, selector: access.selector, parameter: access.parameters };
}

function isListVariable(variable: VariableAccess): boolean {
  return variable.kind === 'variable' && variable.name === attributeNameOf(OWN, OBJECT_LIST);
}

function logicalNameIn(result: ReadValue | undefined): ObisCode | null {
  if (result?.kind !== 'data' || result.data.type !== 'octet-string') return null;
  return result.data.value.length === 6 ? obisFromOctets(result.data.value) : null;
}

/** A method called by reading gives its return value, null-data standing for none. */
function actionResultOf(result: ReadValue): ActionResult {
  if (result.kind === 'error') return { actionResult: result.dataAccessError, returnParameters: null };
  return {
    actionResult: RESULT.success,
    returnParameters: result.data.type === 'null-data' ? null : { data: result.data },
  };
}

function readLimits(association: Association): ExchangeLimits {
  return {
    pduMaxBytes: requestMaxBytes(association),
    blocks: agreed(association, 'block-transfer-with-get-or-read'),
  };
}

function writeLimits(association: Association): ExchangeLimits {
  return {
    pduMaxBytes: requestMaxBytes(association),
    blocks: agreed(association, 'block-transfer-with-set-or-write'),
  };
}

/** An exchange with its results turned into others. */
function mapped<From, To>(exchange: Exchange<From>, turn: (results: From) => To): Exchange<To> {
  return {
    first: exchange.first,
    accept(answer): Step<To> {
      const step = exchange.accept(answer);
      return step.kind === 'done' ? { kind: 'done', results: turn(step.results) } : step;
    },
  };
}

/** Asks for the items that have a name; the others get `missing` for a result. */
function withoutUnnamed<Result extends ItemResult>(
  variables: readonly (VariableAccess | null)[],
  missing: Result,
  ask: (named: readonly VariableAccess[]) => Exchange<readonly Result[]>,
): ItemExchange | readonly ItemResult[] {
  const named = variables.filter((variable) => variable !== null);
  if (named.length === 0) return variables.map(() => missing);
  return mapped(ask(named), (results) => {
    const left = [...results];
    return variables.map((variable) => (variable === null ? missing : (left.shift() ?? missing)));
  });
}

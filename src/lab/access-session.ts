/** A session whose reads go out as ACCESS requests: to try the service on a meter, with the same results as GET. */
import type { AccessOptions, MeterSession } from '../dlms/session/meter-session.ts';
import type { AttributeAccess, GetDataResult } from '../dlms/xdlms/service.ts';

/** The same session; `get` asks with ACCESS. Rejects with SESSION_NOT_AGREED where the meter has none. */
export function throughAccess(session: MeterSession): Pick<MeterSession, 'association' | 'get'> {
  return {
    association: session.association,
    get: async (items: readonly AttributeAccess[], options?: AccessOptions): Promise<readonly GetDataResult[]> => {
      const asked = items.map((attribute) => ({ service: 'get', attribute }) as const);
      const results = await session.access(asked, options);
      return results.map(({ result, data }) => (result === 0 ? { data } : { dataAccessResult: result }));
    },
  };
}

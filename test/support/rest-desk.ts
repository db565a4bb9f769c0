/** REST over the collector of a virtual system, without a socket. */
import { createApi } from '../../src/collector/api/server.ts';
import { createAuth } from '../../src/collector/auth/auth.ts';
import { createCommissioner } from '../../src/collector/commissioning/commissioner.ts';
import { createImporter } from '../../src/collector/import/importer.ts';
import type { VirtualSystem } from '../../src/lab/virtual-system.ts';
import { DEFAULT_TENANT } from '../../src/model/ids.ts';

/** A row as REST shows it. */
export interface RestRow {
  readonly atMs: number;
  readonly value: number | string;
  readonly exponent: number;
  readonly unit: string;
  readonly quality: string;
  /** Hexadecimal, null = none. */
  readonly status: string | null;
}

/** A desk at which a viewer asks. */
export async function restDesk(system: VirtualSystem) {
  const { collector, store, world } = system;
  if (collector === null) throw new Error('the collector is away');
  const { env } = world.program('rest');
  const auth = createAuth({ env, store });
  const api = await createApi(
    {
      env,
      store,
      auth,
      commands: collector.desk,
      enroller: collector.enroller,
      importer: createImporter({ env, store }),
      commissioner: createCommissioner({ env, store }),
    },
    { host: '127.0.0.1', port: 0, processMetrics: false },
  );
  const { text: token } = await auth.issue({ name: 'viewer', role: 'viewer', tenantId: DEFAULT_TENANT }, 'test');
  const headers = { authorization: `Bearer ${token}` };
  const get = async <Answer>(path: string): Promise<Answer> => {
    const answer = await api.inject({ method: 'GET', url: `/api/v1/${path}`, headers });
    if (answer.statusCode !== 200) throw new Error(`${path}: ${answer.statusCode} ${answer.body}`);
    return answer.json();
  };
  return {
    get,
    /** All readings of registers of a meter, by OBIS code. */
    async registers(meterId: string): Promise<ReadonlyMap<string, readonly RestRow[]>> {
      const { items } = await get<{ items: { obis: string; intervalS: number }[] }>(`meters/${meterId}/channels`);
      const rows = new Map<string, readonly RestRow[]>();
      for (const { obis, intervalS } of items) {
        if (intervalS !== 0) continue;
        const query = `obis=${encodeURIComponent(obis)}&intervalS=0&from=0&format=rows&limit=10000`;
        rows.set(obis, (await get<{ items: RestRow[] }>(`meters/${meterId}/readings?${query}`)).items);
      }
      return rows;
    },
    close: () => api.close(),
  };
}

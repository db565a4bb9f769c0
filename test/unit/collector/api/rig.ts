/** An API over the fakes, with a token for each role. */
import { createApi } from '../../../../src/collector/api/server.ts';
import { createAuth } from '../../../../src/collector/auth/auth.ts';
import { createDesk } from '../../../../src/collector/commands/desk.ts';
import { KeyRotations } from '../../../../src/collector/commands/rotations.ts';
import { createCommissioner } from '../../../../src/collector/commissioning/commissioner.ts';
import { createImporter } from '../../../../src/collector/import/importer.ts';
import type { RotationGroup } from '../../../../src/collector/key-schedule.ts';
import type { EdgePublisher, Enroller } from '../../../../src/collector/ports.ts';
import { HOST_CRYPTO } from '../../../../src/host/crypto.ts';
import { DEFAULT_TENANT } from '../../../../src/model/ids.ts';
import { fakeEnv } from '../fake-env.ts';
import { FakeStore } from '../fake-store.ts';

export async function rig(
  settings: {
    readonly webFolder?: string;
    readonly files?: Readonly<Record<string, string>>;
    readonly rotationGroups?: readonly RotationGroup[];
  } = {},
) {
  const { env, time, disk } = fakeEnv();
  for (const [path, text] of Object.entries(settings.files ?? {}))
    await disk.writeFile(path, new TextEncoder().encode(text));
  const store = new FakeStore();
  const auth = createAuth({ env, store });
  const sent: { edgeId: string; command: Uint8Array; signature: Uint8Array }[] = [];
  const line = { isUp: true };
  const publisher: EdgePublisher = {
    sendRereads: async () => false,
    async sendCommand(edgeId, command, signature) {
      if (!line.isUp) return false;
      sent.push({ edgeId, command, signature });
      return true;
    },
  };
  const key = HOST_CRYPTO.newSigningKey();
  const commands = createDesk({ env, store, publisher, key });
  const rotations = new KeyRotations({ env, store, desk: commands, groups: settings.rotationGroups ?? [] });
  const enroller: Enroller = {
    adopt: async (edgeId) => ({
      edgeId,
      url: 'mqtt://127.0.0.1:1883',
      password: 'p',
      key: 'k',
      commandPublicKey: 'c',
      limitsPublicKey: 'l',
    }),
    deactivate: async (edgeId) => store.edgeMap.has(edgeId),
  };
  const api = await createApi(
    {
      env,
      store,
      auth,
      commands,
      rotations,
      enroller,
      importer: createImporter({ env, store }),
      commissioner: createCommissioner({ env, store }),
    },
    {
      host: '127.0.0.1',
      port: 0,
      processMetrics: false,
      ...(settings.webFolder === undefined ? {} : { webFolder: settings.webFolder }),
    },
  );
  const tokenOf = async (role: 'viewer' | 'operator' | 'admin') =>
    (await auth.issue({ name: role, role, tenantId: DEFAULT_TENANT }, 'test')).text;
  const tokens = {
    viewer: await tokenOf('viewer'),
    operator: await tokenOf('operator'),
    admin: await tokenOf('admin'),
  };
  const bearer = (role: keyof typeof tokens) => ({ authorization: `Bearer ${tokens[role]}` });
  const get = (url: string, headers: Record<string, string> = {}) =>
    api.inject({ method: 'GET', url, headers: { ...bearer('viewer'), ...headers } });
  const send = (
    method: 'POST' | 'PUT' | 'DELETE',
    url: string,
    payload?: object,
    headers: Record<string, string> = {},
  ) =>
    api.inject({
      method,
      url,
      headers: { ...bearer('admin'), ...headers },
      ...(payload === undefined ? {} : { payload }),
    });
  const end = async (): Promise<void> => {
    rotations.close();
    commands.close();
    await api.close();
  };
  return { api, rotations, store, auth, commands, key, line, sent, time, disk, env, tokens, bearer, get, send, end };
}

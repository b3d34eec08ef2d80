/**
 * What each folder may import, besides itself. Whatever is not here is refused, so that a new folder, or a new arrow,
 * has to be thought about.
 */
const mayImport = {
  bin: 'lib/tidemark.ts',
  'lib/tidemark.ts': 'lib/(stacks|constructs|profiles)/',
  'lib/stacks': 'lib/(constructs|profiles)/',
  'lib/constructs': 'lib/profiles/',
  'lib/profiles': 'protocol/',
  cost: '(lib/profiles|protocol)/',
  preflight: 'lib/tidemark.ts',

  packaging: 'protocol/|package.json',

  'client/main.ts': 'client/(commands|service|common)/|package.json',
  'client/commands': '(client/(engine|steps|disk|state|plan|service|output|system|common)|protocol)/|package.json',
  'client/engine': '(client/(steps|disk|state|plan|service|output|common)|codec|protocol)/',
  'client/steps': '(client/(disk|state|plan|service|output|common)|codec|protocol)/',
  'client/disk': '(client/(state|plan|common)|codec|protocol)/',
  'client/state': '(client/(plan|common)|codec|protocol)/',
  'client/service': '(client/common|protocol)/|package.json',
  'client/output': '(client/common|protocol)/',
  'client/system': 'client/common/',
  'client/(plan|common)': 'protocol/',
  admin: 'protocol/|package.json',
  smoke: '(client/(service|common)|codec|protocol)/',

  // The ground of all commands.
  '(client|admin|smoke|preflight|cost|bench|local)': 'cli/',

  // A function imports what is shared, and nothing of another function.
  'lambdas/(?!shared/)([^/]+)': '(lambdas/($1|shared)|codec|protocol)/',
  'lambdas/shared/upload': '(lambdas/shared/(commit|tables|database|answers|runtime)|codec|protocol)/',
  'lambdas/shared/commit': '(lambdas/shared/(tables|database|answers|store|runtime)|codec|protocol)/',
  'lambdas/shared/tables': '(lambdas/shared/(database|answers|runtime)|protocol)/',
  'lambdas/shared/migrations': 'lambdas/shared/database/',
  'lambdas/shared/http': '(lambdas/shared/(database|answers|runtime)|protocol)/',
  'lambdas/shared/database': '(lambdas/shared/(answers|runtime)|protocol)/',
  'lambdas/shared/(answers|store|sockets|stream)': '(lambdas/shared/runtime|codec|protocol)/',
  'lambdas/shared/runtime': 'protocol/',

  'local/demo': 'local/(cloud|kept)/',
  'local/rehearsal': 'local/(demo|cloud|aws)/',
  'local/cloud': 'local/(events|gateway|kept|aws|lambda|iam|vpc|template)/',
  'local/events': 'local/(kept|lambda|vpc|template)/',
  'local/gateway': 'local/(lambda|iam|template)/',
  'local/sam': 'local/(kept|lambda|template)/',
  'local/kept': 'local/(aws|lambda)/',
  'local/aws': 'local/(iam|template)/',
  'local/lambda': 'local/(iam|vpc|template)/',
  'local/(iam|vpc)': 'local/template/',
  // Its devices run the client's command, and read what that promises programs.
  'local/demo/devices': 'protocol/output/',
  // The ground of all rooms.
  local: 'local/[^/]+\\.ts',

  bench: '(codec|protocol|client|lambdas|lib|local|test/(support|model))/',
  test: '(bin|lib|cost|codec|protocol|cli|client|admin|smoke|preflight|packaging|lambdas|local|bench)/|package.json',
};

const ours =
  '^(bin|lib|cost|codec|protocol|cli|client|admin|smoke|preflight|packaging|lambdas|local|bench|test|package\\.json)';
/** The codec runs in a browser; what builds it, and what runs it on threads, does not. */
const onNode = '^codec/(node/|assembly/build\\.ts)|^protocol/openapi/write\\.ts';

const within = ([from, to]) => {
  const folder = from.endsWith('.ts') ? from : `${from}/`;
  return { from: { path: `^${folder}` }, to: { path: `^(${to})` } };
};

export default {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'codec-runs-in-a-browser',
      severity: 'error',
      from: { path: '^codec/', pathNot: onNode },
      to: { path: '^codec/node/' },
    },
  ],
  allowedSeverity: 'error',
  allowed: [
    ...Object.entries(mayImport).map(within),
    // Within a room, and within a folder that has none.
    { from: { path: '^((?:client|local|lib)/[^/]+|lambdas/shared/[^/]+)/' }, to: { path: '^$1/' } },
    {
      from: { path: '^(bin|cost|codec|protocol|cli|admin|smoke|preflight|packaging|bench|test)/' },
      to: { path: '^$1/' },
    },
    { from: { path: ours, pathNot: '^(codec|protocol)/' }, to: { pathNot: ours } },
    { from: { path: onNode }, to: { pathNot: ours } },
    { from: { path: '^protocol/' }, to: { path: '^node_modules/zod/' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    parser: 'swc',
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      conditionNames: ['node', 'import', 'types', 'default'],
    },
  },
};

import { fileURLToPath } from 'node:url'
import { defineConfig, defineProject } from 'vitest/config'

/**
 * Resolves `graphql` to the file that Node loads. Otherwise Vite loads its ES modules for the project and
 * Node its CommonJS modules for libraries, and graphql rejects types of the other copy.
 */
export const graphqlResolution = {
  alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) }],
}

/** Options of every test run, and of each project of `npm test`. */
export const commonOptions = {
  // In CI, browsers, databases and workerd share few cores: a failed test is retried once and reported.
  retry: process.env['CI'] === 'true' ? 1 : 0,
  testTimeout: 20_000,
  // Includes the build of the commands.
  hookTimeout: 60_000,
}

/** What all files of a test run share: a PostgreSQL server, and a build of the commands. */
export const globalSetup = ['test/kit/postgres-setup.ts', 'test/kit/build-setup.ts']

/** Long tests with their own commands: `npm run test:chaos`, `npm run test:drain`. */
const long = ['test/chaos/{callbacks,chaos,three}.test.ts', 'test/drain/drain.test.ts']

/**
 * Tests that measure time or memory, or start browsers or several gateways. Each file runs alone on the
 * machine.
 */
const alone = [
  'test/{bench,browser,chaos,container,drain,fuzz,multi-instance,react,react-native}/**/*.test.ts',
  'test/client/{browser*,memory,stall}.test.ts',
  'test/emulator/hostile-segments.test.ts',
  'test/fast-path/{result-characters,retained}.test.ts',
  'test/http/{database-locked,long-lists,resource-limits,subscription-documents}.test.ts',
  'test/node/{connections,load-shedder,stalled}.test.ts',
  'test/rate-limits/memory-rate-limiter.test.ts',
]

/**
 * Tests whose files run in the process of the file before, with the modules that it has loaded: this saves
 * half of their time. They restore what they change in the process.
 */
const oneProcess = [
  'test/{emulator,fast-path,graphql,http,playback,rate-limits,stream,uploads}/**/*.test.ts',
]

/** Files of one project run at the same time; projects run one after another, by `groupOrder`. */
function project(
  name: string,
  groupOrder: number,
  files: { readonly include: string[]; readonly exclude: string[] },
  workers: { readonly isolate: boolean; readonly maxWorkers: number | string },
) {
  return defineProject({
    resolve: graphqlResolution,
    test: {
      ...commonOptions,
      ...workers,
      name,
      include: files.include,
      exclude: ['**/node_modules/**', ...long, ...files.exclude],
      sequence: { groupOrder },
    },
  })
}

export default defineConfig({
  test: {
    globalSetup,
    projects: [
      project(
        'one process',
        0,
        { include: oneProcess, exclude: alone },
        { isolate: false, maxWorkers: '100%' },
      ),
      project(
        'own process',
        1,
        { include: ['test/**/*.test.ts'], exclude: [...oneProcess, ...alone] },
        { isolate: true, maxWorkers: '100%' },
      ),
      project('alone', 2, { include: alone, exclude: [] }, { isolate: true, maxWorkers: 1 }),
    ],
  },
})

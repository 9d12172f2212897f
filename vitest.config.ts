import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/**
 * Resolves `graphql` to the file that Node loads. Otherwise Vite loads its ES modules for the project and
 * Node its CommonJS modules for libraries, and graphql rejects types of the other copy.
 */
export const graphqlResolution = {
  alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) }],
}

export default defineConfig({
  resolve: graphqlResolution,
  test: {
    globalSetup: ['test/kit/postgres-setup.ts'],
    include: ['test/**/*.test.ts'],
    // Long tests with their own commands: `npm run test:chaos`, `npm run test:drain`.
    exclude: [
      '**/node_modules/**',
      'test/chaos/callbacks.test.ts',
      'test/chaos/chaos.test.ts',
      'test/chaos/three.test.ts',
      'test/drain/drain.test.ts',
    ],
    // In CI, browsers, databases and workerd share few cores: a failed test is retried once and reported.
    retry: process.env['CI'] === 'true' ? 1 : 0,
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
})

import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Vite would pick graphql's ES modules for our files while Node gives its libraries the CommonJS
 * ones: two realms of types. Everything takes the one that Node takes. */
export const oneGraphQL = {
  alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) }],
}

export default defineConfig({
  resolve: oneGraphQL,
  test: {
    globalSetup: ['test/kit/postgres-setup.ts'],
    include: ['test/**/*.test.ts'],
    // Long, and with commands of their own: `npm run test:chaos`, `npm run test:drain`.
    exclude: [
      '**/node_modules/**',
      'test/chaos/chaos.test.ts',
      'test/chaos/three.test.ts',
      'test/drain/drain.test.ts',
    ],
    // Browsers, databases and workerd share few cores there: what fails once is tried once more, and told.
    retry: process.env['CI'] === 'true' ? 1 : 0,
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
})

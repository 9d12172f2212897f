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
    include: ['test/**/*.test.ts'],
    // Long, and with a command of its own: `npm run test:chaos`.
    exclude: ['**/node_modules/**', 'test/chaos/chaos.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
})

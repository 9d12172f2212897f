/** Configuration of `npm run test:callbacks`: the measurements, which `npm test` excludes. */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { commonOptions, globalSetup, graphqlResolution } from '../../vitest.config.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export default defineConfig({
  root,
  resolve: graphqlResolution,
  test: {
    ...commonOptions,
    globalSetup,
    include: ['test/callbacks/*.long.ts'],
    testTimeout: 600_000,
    hookTimeout: 120_000,
    fileParallelism: false,
  },
})

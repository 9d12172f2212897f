/** Configuration of `npm run test:chaos`: the long runs, which `npm test` excludes. */
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
    include: ['test/chaos/{callbacks,chaos,three}.test.ts'],
    testTimeout: 300_000,
    fileParallelism: false,
  },
})

import { defineConfig } from 'vitest/config'
import { graphqlResolution } from '../../../vitest.config.ts'

/** `npm run bench:micro`: costs of single calls, measured in this process. */
export default defineConfig({
  resolve: graphqlResolution,
  test: {
    include: ['test/bench/micro/**/*.bench.ts'],
    testTimeout: 300_000,
    fileParallelism: false,
  },
})

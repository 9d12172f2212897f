import { defineConfig } from 'vitest/config'
import { oneGraphQL } from '../../vitest.config.ts'

/** `npm run bench`: measurements, one after the other, with nothing else on the machine. */
export default defineConfig({
  resolve: oneGraphQL,
  test: {
    include: ['test/bench/**/*.bench.ts'],
    testTimeout: 300_000,
    fileParallelism: false,
  },
})

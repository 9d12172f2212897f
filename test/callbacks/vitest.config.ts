/** Configuration of `npm run test:callbacks`: the measurements, which `npm test` excludes. */
import { fileURLToPath } from 'node:url'
import { defineConfig, mergeConfig } from 'vitest/config'
import shared from '../../vitest.config.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export default mergeConfig(
  { ...shared, test: { ...shared.test, include: [], exclude: [] } },
  defineConfig({
    root,
    test: {
      include: ['test/callbacks/*.long.ts'],
      testTimeout: 600_000,
      hookTimeout: 120_000,
      fileParallelism: false,
    },
  }),
)

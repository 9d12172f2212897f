/** For `npm run test:drain`: the long edition, which `npm test` leaves out. */
import { fileURLToPath } from 'node:url'
import { defineConfig, mergeConfig } from 'vitest/config'
import shared from '../../vitest.config.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export default mergeConfig(
  { ...shared, test: { ...shared.test, include: [], exclude: [] } },
  defineConfig({
    root,
    test: { include: ['test/drain/drain.test.ts'], testTimeout: 300_000, fileParallelism: false },
  }),
)

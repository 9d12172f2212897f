/** Configuration of `npm run test:chaos`: the long runs, which `npm test` excludes. */
import { fileURLToPath } from 'node:url'
import { defineConfig, mergeConfig } from 'vitest/config'
import shared from '../../vitest.config.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export default mergeConfig(
  { ...shared, test: { ...shared.test, include: [], exclude: [] } },
  defineConfig({
    root,
    test: {
      include: [
        'test/chaos/callbacks.test.ts',
        'test/chaos/chaos.test.ts',
        'test/chaos/three.test.ts',
      ],
      testTimeout: 300_000,
      fileParallelism: false,
    },
  }),
)

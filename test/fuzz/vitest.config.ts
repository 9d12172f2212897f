/** Configuration of `npm run test:fuzz`: the long run, which `npm test` excludes. */
import { fileURLToPath } from 'node:url'
import { defineConfig, mergeConfig } from 'vitest/config'
import shared from '../../vitest.config.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export default mergeConfig(
  { ...shared, test: { ...shared.test, include: [], exclude: [] } },
  defineConfig({
    root,
    test: { include: ['test/fuzz/*.long.ts'], testTimeout: 900_000 },
  }),
)

/** Configuration of `npm run test:fuzz`: the long run, which `npm test` excludes. */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { commonOptions, globalSetup, graphqlResolution } from '../../vitest.config.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export default defineConfig({
  root,
  resolve: graphqlResolution,
  test: { ...commonOptions, globalSetup, include: ['test/fuzz/*.long.ts'], testTimeout: 900_000 },
})

/** Gives the test run a temporary folder for the builds that its files share. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Folder of the builds; each exists only after the first test that needs it. */
    readonly builds: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const builds = await mkdtemp(join(tmpdir(), 'headgate-builds-'))
  project.provide('builds', builds)
  // In watch mode, the sources have changed.
  project.onTestsRerun(async () => {
    await rm(builds, { recursive: true, force: true })
    await mkdir(builds)
  })
  return () => rm(builds, { recursive: true, force: true })
}

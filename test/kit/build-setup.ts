/** Gives the test run a temporary folder for its build of `headgate`, which the first test that needs it makes. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Folder for the build; it exists only after the first build. */
    readonly buildFolder: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-builds-'))
  const buildFolder = join(folder, 'build')
  project.provide('buildFolder', buildFolder)
  // In watch mode, the sources have changed.
  project.onTestsRerun(() => rm(buildFolder, { recursive: true, force: true }))
  return () => rm(folder, { recursive: true, force: true })
}

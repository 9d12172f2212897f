/** Results of builds that all files of a test run share, in a temporary folder that the run removes. */
import { existsSync } from 'node:fs'
import { mkdtemp, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { inject } from 'vitest'

/**
 * Returns the folder with this name, which the first test that needs it has built. Two test files may build at the
 * same time: the slower one's result is not used.
 * @param build writes into an empty folder
 */
export async function buildOnce(
  name: string,
  build: (folder: string) => Promise<void>,
): Promise<string> {
  const built = join(inject('builds'), name)
  if (existsSync(built)) return built
  const folder = await mkdtemp(`${built}-`)
  await build(folder)
  await rename(folder, built).catch((error: unknown) => {
    if (!existsSync(built)) throw error
  })
  return built
}

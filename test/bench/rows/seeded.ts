/** A gateway over a database in which there are uploads already. */
import { copyFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Entrant } from '../compare-servers.ts'
import type { Server } from '../processes.ts'
import { seed } from '../seed.ts'
import { type Setup, startGateway } from '../setup.ts'

/** Uploads in the file. */
export const SEEDED = 10_000

/** The path of a database with `SEEDED` uploads, to be read by several at the same time. */
export async function seededFile({ folder, say }: Setup): Promise<string> {
  const file = join(folder, 'seeded.db')
  if (existsSync(file)) return file
  say(`writing ${SEEDED} uploads`)
  await seed(file, SEEDED)
  return file
}

/** A copy for one row, which may write into it. */
export async function seededCopy(setup: Setup, name: string): Promise<string> {
  const copy = join(setup.folder, `${name}.db`)
  copyFileSync(await seededFile(setup), copy)
  return copy
}

/** The gateway among those that are measured. */
export function headgate(setup: Setup, file: string, stream: Server): Entrant {
  return { name: 'headgate', start: () => startGateway(setup, file, stream) }
}

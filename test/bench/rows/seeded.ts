/** Seeded database files, and a gateway on such a file. */
import { copyFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Entrant } from '../compare-servers.ts'
import type { Server } from '../processes.ts'
import { seed } from '../seed.ts'
import { type Setup, startGateway } from '../setup.ts'

/** Number of uploads in the file. */
export const SEEDED = 10_000

/** Path of a database with `SEEDED` uploads, shared by servers that only read. */
export async function seededFile({ folder, log }: Setup): Promise<string> {
  const file = join(folder, 'seeded.db')
  if (existsSync(file)) return file
  log(`writing ${SEEDED} uploads`)
  await seed(file, SEEDED)
  return file
}

/** Path of a copy for a row that writes. */
export async function seededCopy(setup: Setup, name: string): Promise<string> {
  const copy = join(setup.folder, `${name}.db`)
  copyFileSync(await seededFile(setup), copy)
  return copy
}

/** The gateway as one of the compared servers. */
export function headgate(setup: Setup, file: string, stream: Server): Entrant {
  return { name: 'headgate', start: () => startGateway(setup, file, stream) }
}

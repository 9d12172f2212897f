/** Paths, relative to `test/bench/dist/bench`, into which these files are compiled. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Root of the repository. */
export const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))
/** Programs with which the gateway is compared. */
export const PEERS = join(ROOT, 'test/bench/peers')
/** The built command. */
export const COMMAND = join(ROOT, 'dist/cli.js')
/** A compiled program of the benchmark, by its path in this folder without extension. */
export const ownProgram = (name: string): string =>
  join(ROOT, 'test/bench/dist/bench', `${name}.js`)

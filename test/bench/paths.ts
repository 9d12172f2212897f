/** Where things lie, seen from `test/bench/dist/bench`, into which these files are compiled. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository. */
export const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))
/** Programs that the gateway is measured against. */
export const PEERS = join(ROOT, 'test/bench/peers')
/** The command as it is shipped. */
export const COMMAND = join(ROOT, 'dist/cli.js')
/** A process of ours, by its file from here and without an extension. */
export const ownProgram = (name: string): string =>
  join(ROOT, 'test/bench/dist/bench', `${name}.js`)

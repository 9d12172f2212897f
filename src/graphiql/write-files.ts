/** Writes GraphiQL's page and files, also compressed, to a folder from which the gateway serves them. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { type RenderedFile, renderFiles } from './render.ts'

/** Quality 11 takes twelve times as long and saves 8 %. */
const BROTLI_QUALITY = 9
export const PAGE = 'index.html'

/** Keeps existing files with the same hash in their name, and removes all others. */
export async function writeFiles(folder: string): Promise<void> {
  const { page, files } = renderFiles()
  mkdirSync(folder, { recursive: true })
  const existing = new Set(readdirSync(folder))
  const names = new Set(files.flatMap(({ name }) => [name, `${name}.br`, `${name}.gz`]))
  for (const name of existing) if (!names.has(name)) rmSync(join(folder, name))
  const missing = files.filter(
    ({ name }) => !existing.has(`${name}.gz`) || !existing.has(`${name}.br`),
  )
  await Promise.all(missing.map((file) => writeFile(folder, file)))
  writeFileSync(join(folder, PAGE), page)
}

async function writeFile(folder: string, { name, bytes }: RenderedFile): Promise<void> {
  const params = { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY }
  const [br, gz] = await Promise.all([
    promisify(brotliCompress)(bytes, { params }),
    promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION }),
  ])
  writeFileSync(join(folder, name), bytes)
  writeFileSync(join(folder, `${name}.br`), br)
  writeFileSync(join(folder, `${name}.gz`), gz)
}

/** GraphiQL's page and files for the gateway on Node: as they were built, or rendered where they were not. */
import { readFile, readdir } from 'node:fs/promises'
import { codeOf } from '../shared/error-codes.ts'
import type { ContentCoding, StaticFile } from '../http/pages/static-file.ts'
import type { GraphiQLFiles } from '../http/pages/graphiql-page.ts'

/** Beside the built code, and from `src` the same place. */
const BUILT = new URL('../../dist/graphiql/files/', import.meta.url)
const PAGE = 'index.html'
const SUFFIXES: Readonly<Record<ContentCoding, string>> = { identity: '', br: '.br', gzip: '.gz' }

/** Rejects where the files are neither built nor can be rendered: the package is not whole then. */
export async function readGraphiQL(folder: URL = BUILT): Promise<GraphiQLFiles> {
  try {
    const names = await readdir(folder)
    const page = await readFile(new URL(PAGE, folder), 'utf8')
    const files = names
      .filter((name) => names.includes(`${name}.br`))
      .map((name) => [name, builtFile(folder, name)] as const)
    return { page, files: new Map(files) }
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    return renderFromSource()
  }
}

/** Each variant is read when it is first asked for, and shared by all who get it. */
function builtFile(folder: URL, name: string): StaticFile {
  const read = new Map<ContentCoding, Promise<Uint8Array<ArrayBuffer>>>()
  return {
    name,
    codings: ['br', 'gzip'],
    read(coding) {
      const known = read.get(coding)
      if (known !== undefined) return known
      const bytes = readFile(new URL(name + SUFFIXES[coding], folder))
      read.set(coding, bytes)
      return bytes
    },
  }
}

/** For a gateway that runs from its sources. The renderer is a development dependency of 9 MB. */
async function renderFromSource(): Promise<GraphiQLFiles> {
  const { renderFiles } = await import('../graphiql/render.ts')
  const { page, files } = renderFiles()
  return {
    page,
    files: new Map(
      files.map(({ name, bytes }) => [name, { name, codings: [], read: async () => bytes }]),
    ),
  }
}

/** Reads GraphiQL's page and assets from disk, or renders them if they were not built. */
import { readFile, readdir } from 'node:fs/promises'
import { errorCodeOf } from '../shared/error-codes.ts'
import type { ContentCoding, StaticFile } from '../http/pages/static-file.ts'
import type { GraphiQLFiles } from '../http/pages/graphiql-page.ts'

/** The same folder from `src` and from `dist`. */
const DEFAULT_FOLDER = new URL('../../dist/graphiql/files/', import.meta.url)
const PAGE = 'index.html'
const SUFFIXES: Readonly<Record<ContentCoding, string>> = { identity: '', br: '.br', gzip: '.gz' }

/** Rejects if the files are neither built nor can be rendered: the package is incomplete then. */
export async function readGraphiQL(folder: URL = DEFAULT_FOLDER): Promise<GraphiQLFiles> {
  try {
    const names = await readdir(folder)
    const page = await readFile(new URL(PAGE, folder), 'utf8')
    const files = names
      .filter((name) => names.includes(`${name}.br`))
      .map((name) => [name, builtFile(folder, name)] as const)
    return { page, files: new Map(files) }
  } catch (error) {
    if (errorCodeOf(error) !== 'ENOENT') throw error
    return renderFromSource()
  }
}

/** Each variant is read on the first request; all responses share one buffer. */
function builtFile(folder: URL, name: string): StaticFile {
  const read = new Map<ContentCoding, Promise<Uint8Array<ArrayBuffer>>>()
  return {
    name,
    codings: ['br', 'gzip'],
    read(coding) {
      const cached = read.get(coding)
      if (cached !== undefined) return cached
      const bytes = readFile(new URL(name + SUFFIXES[coding], folder))
      read.set(coding, bytes)
      // For example, too many files are open: the next request tries again.
      bytes.catch(() => read.delete(coding))
      return bytes
    },
  }
}

/** For a gateway that runs from its sources. Imported lazily: the renderer is a development dependency of 9 MB. */
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

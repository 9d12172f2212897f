/** Builds the `index.html` of a project with Vite. */
import { build } from 'vite'
import type { Frontend } from './frontend.ts'

/** Returns the files of the built site by their path; `index.html` is `/`. */
export async function buildPages({ folder }: Frontend): Promise<Readonly<Record<string, string>>> {
  const result = await build({
    root: folder,
    configFile: false,
    logLevel: 'error',
    build: { write: false, minify: false },
  })
  const outputs = (Array.isArray(result) ? result : [result]).flatMap((bundle) =>
    'output' in bundle ? bundle.output : [],
  )
  return Object.fromEntries(
    outputs.map((file) => [
      file.fileName === 'index.html' ? '/' : `/${file.fileName}`,
      file.type === 'chunk' ? file.code : String(file.source),
    ]),
  )
}

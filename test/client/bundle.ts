/** Bundles the client and the modules over it for browsers, minified. */
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const source = new URL('../../src/', import.meta.url)

/** Bundles the client as one minified file. */
export function bundleClient(): Promise<string> {
  return bundleEntry('client/client.ts')
}

/**
 * Bundles a module of `src` with what it imports.
 * @param external whether an import stays in the bundle
 */
export function bundleEntry(
  path: string,
  external: (specifier: string) => boolean = () => false,
): Promise<string> {
  const input = fileURLToPath(new URL(path, source))
  return bundle({ input, preserveEntrySignatures: 'strict', external })
}

/** Bundles a module that imports `client` from a page's own code: what it does not use is left out. */
export function bundlePage(code: string): Promise<string> {
  const client = fileURLToPath(new URL('client/client.ts', source))
  return bundle({ input: 'virtual:page' }, (id) => {
    if (id === 'client') return client
    return id === 'virtual:page' ? { id, code } : null
  })
}

type Resolver = (id: string) => string | { readonly id: string; readonly code: string } | null

async function bundle(rollupOptions: object, resolve: Resolver = () => null): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: 'silent',
    plugins: [
      {
        name: 'page',
        resolveId(id) {
          const resolved = resolve(id)
          return typeof resolved === 'string' ? resolved : (resolved?.id ?? null)
        },
        load(id) {
          const resolved = resolve(id)
          return typeof resolved === 'object' ? (resolved?.code ?? null) : null
        },
      },
    ],
    // An application build: the library mode of Vite keeps white space.
    build: { write: false, minify: true, rollupOptions },
  })
  const outputs = Array.isArray(built) ? built : [built]
  const chunks = outputs.flatMap((output) => ('output' in output ? output.output : []))
  return chunks.map((chunk) => (chunk.type === 'chunk' ? chunk.code : '')).join('\n')
}

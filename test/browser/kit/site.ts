/** A web site on its own origin: one page with one bundle. */
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { type Plugin, build } from 'vite'
import { listenInTest } from '../../kit/listen.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const ENTRY = 'virtual:entry'
const RECIPE = 'virtual:recipe.js'
const DRIVER = 'virtual:driver.js'

export interface Site {
  readonly url: string
  readonly origin: string
}

/** Options for a site whose packages are not those of this repository. */
export interface BundleOptions {
  /** The project in which packages, and imports that begin with `/`, are resolved. */
  readonly folder?: string
  readonly plugins?: readonly Plugin[]
  /** A module that imports the recipe from `virtual:recipe.js` and replaces it on the page. */
  readonly driver?: string
}

/** Bundles a recipe and serves it. The page assigns the recipe's exports to `window.recipe`. */
export async function startSite(recipe: string): Promise<Site> {
  return serveSite(await bundleSite(recipe))
}

/** Serves a bundle until the test ends. */
export function serveSite(script: string): Promise<Site> {
  return serveFiles(() => ({ '/': PAGE, '/bundle.js': script }))
}

/** Serves texts by path until the test ends: HTML at `/`, style sheets, otherwise scripts. */
export async function serveFiles(files: () => Readonly<Record<string, string>>): Promise<Site> {
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    const text = files()[path]
    if (text !== undefined) {
      const type =
        path === '/'
          ? 'text/html; charset=utf-8'
          : path.endsWith('.css')
            ? 'text/css'
            : 'text/javascript'
      response.setHeader('content-type', type).end(text)
    } else {
      response.statusCode = request.url === '/favicon.ico' ? 204 : 404
      response.end()
    }
  })
  const { port } = await listenInTest(server)
  // Another host name than the gateway's, so that requests are cross-site.
  const origin = `http://localhost:${port}`
  return { url: `${origin}/`, origin }
}

const PAGE = `<!doctype html><html lang="en"><title>A site</title><input type="file" multiple>
<div id="app"></div><script type="module" src="/bundle.js"></script></html>`

/** Bundles a recipe, JavaScript or TypeScript, as one script for browsers. */
export async function bundleSite(
  recipe: string,
  { folder = root, plugins = [], driver }: BundleOptions = {},
): Promise<string> {
  const sources: Readonly<Record<string, string>> = {
    [ENTRY]: `import * as recipe from '${driver === undefined ? RECIPE : DRIVER}'; window.recipe = recipe`,
    [RECIPE]: recipe,
    ...(driver === undefined ? {} : { [DRIVER]: driver }),
  }
  const result = await build({
    root: folder,
    configFile: false,
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [
      {
        name: 'recipe',
        resolveId: (id) => (id in sources ? id : null),
        load(id) {
          const code = sources[id]
          return code === undefined ? null : { code, moduleType: 'ts' }
        },
      },
      ...plugins,
    ],
    build: { write: false, minify: false, rollupOptions: { input: ENTRY } },
  })
  const outputs = Array.isArray(result) ? result : [result]
  const chunks = outputs.flatMap((bundle) => ('output' in bundle ? bundle.output : []))
  const entry = chunks.find((chunk) => chunk.type === 'chunk' && chunk.isEntry)
  if (entry?.type !== 'chunk') throw new Error('Bundling the recipe failed.')
  return entry.code
}

/** Serves GraphiQL. The page is the same for all users and loads nothing from other hosts. */
import type { Handler } from '../handler.ts'
import { GRAPHIQL_BASE } from '../graphql/endpoint.ts'
import { withAuthMode } from './auth-mode.ts'
import { type StaticFile, withStaticFiles } from './static-file.ts'

export interface GraphiQLFiles {
  readonly page: string
  /** Assets of the page, by name. */
  readonly files: ReadonlyMap<string, StaticFile>
}

export interface GraphiQL {
  /** Responds with the page, or with 304 if the client has cached it. */
  readonly page: (request: Request) => Promise<Response>
  /** Serves the assets; other requests go to `next`. */
  readonly withFiles: (next: Handler) => Handler
}

/** https://www.w3.org/TR/CSP3/ */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  // The editor creates styles and workers at run time.
  "style-src 'self' 'unsafe-inline'",
  'worker-src blob:',
  "img-src 'self' data:",
  'font-src data:',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

interface LoadedFiles extends GraphiQLFiles {
  readonly etag: string
}

/**
 * @param read called on the first request, and again after a failure
 * @param requiresToken whether the user must enter a token
 */
export function createGraphiQL(
  read: () => Promise<GraphiQLFiles>,
  requiresToken: boolean,
): GraphiQL {
  let loading: Promise<LoadedFiles> | null = null

  function load(): Promise<LoadedFiles> {
    loading ??= read().then(async ({ page: built, files }) => {
      const page = withAuthMode(built, requiresToken)
      return { page, files, etag: await etagOf(page) }
    })
    loading.catch(() => {
      loading = null
    })
    return loading
  }

  async function find(path: string): Promise<StaticFile | null> {
    // The base itself is the endpoint with a slash at its end.
    if (!path.startsWith(GRAPHIQL_BASE) || path === GRAPHIQL_BASE) return null
    const { files } = await load()
    return files.get(path.slice(GRAPHIQL_BASE.length)) ?? null
  }

  return {
    async page(request) {
      const { page, etag } = await load()
      const isCached = request.headers.get('if-none-match')?.includes(etag) === true
      return new Response(isCached ? null : page, {
        status: isCached ? 304 : 200,
        headers: {
          ...(isCached ? {} : { 'content-type': 'text/html; charset=utf-8' }),
          'content-security-policy': POLICY,
          'cache-control': 'no-cache',
          etag,
          vary: 'Accept',
        },
      })
    },
    withFiles: (next) => withStaticFiles(find, next),
  }
}

async function etagOf(page: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(page))
  const bytes = [...new Uint8Array(digest)].slice(0, 8)
  return `"${bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')}"`
}

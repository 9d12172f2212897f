/** Serves GraphiQL: a page that is the same for everybody and loads nothing from other hosts. */
import type { Door } from '../handler.ts'
import { GRAPHIQL_BASE } from '../graphql/endpoint.ts'
import { type StaticFile, withStaticFiles } from './static-file.ts'

export interface GraphiQLFiles {
  readonly page: string
  /** What the page loads, by name. */
  readonly files: ReadonlyMap<string, StaticFile>
}

export interface GraphiQL {
  /** Responds with the page, or with 304 where the client has it. */
  readonly page: (request: Request) => Promise<Response>
  /** Responds to requests for its files, and leaves every other to the next handler. */
  readonly withFiles: (next: Door) => Door
}

/** https://www.w3.org/TR/CSP3/ */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  // The editor makes its styles and its workers as it goes.
  "style-src 'self' 'unsafe-inline'",
  'worker-src blob:',
  "img-src 'self' data:",
  'font-src data:',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

interface Prepared extends GraphiQLFiles {
  readonly etag: string
}

/** @param read called once, when somebody wants to see it; again after it has failed */
export function createGraphiQL(read: () => Promise<GraphiQLFiles>): GraphiQL {
  let prepared: Promise<Prepared> | null = null

  function prepare(): Promise<Prepared> {
    prepared ??= read().then(async (files) => ({ ...files, etag: await etagOf(files.page) }))
    prepared.catch(() => {
      prepared = null
    })
    return prepared
  }

  async function find(path: string): Promise<StaticFile | null> {
    if (!path.startsWith(GRAPHIQL_BASE)) return null
    const { files } = await prepare()
    return files.get(path.slice(GRAPHIQL_BASE.length)) ?? null
  }

  return {
    async page(request) {
      const { page, etag } = await prepare()
      const isKnown = request.headers.get('if-none-match')?.includes(etag) === true
      return new Response(isKnown ? null : page, {
        status: isKnown ? 304 : 200,
        headers: {
          ...(isKnown ? {} : { 'content-type': 'text/html; charset=utf-8' }),
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

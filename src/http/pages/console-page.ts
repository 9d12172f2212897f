/**
 * Serves the console: the page at `/`, its hashed assets, and a content security policy that allows
 * connections to the gateway and to Stream only.
 */
import { parseAccept, prefersHTML } from '../header-lists.ts'
import { type Handler, methodNotAllowed, textResponse } from '../handler.ts'
import { withAuthMode } from './auth-mode.ts'
import { type StaticFile, mediaTypeOf, withStaticFiles } from './static-file.ts'

/** A file of the built console. */
export interface ConsoleFile {
  /** Path in the console's folder, such as `index.html` or `index-1a2b3c.js`. */
  readonly path: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

export interface ConsoleOptions {
  readonly files: readonly ConsoleFile[]
  /** Upload hosts, as sources of the content security policy. */
  readonly uploadSources: readonly string[]
  /** Hosts of videos and thumbnails, as sources of the content security policy. */
  readonly playSources: readonly string[]
  /** Whether the user must enter a token. */
  readonly requiresToken: boolean
}

/** Path prefix of the assets; must equal `base` of the bundle's build. */
export const CONSOLE_BASE = '/console/'
const PAGE_FILE = 'index.html'

const METHODS = ['GET', 'HEAD']

/** Serves the page at `/` to clients that accept HTML, and `text` to all others. */
export function createIndexHandler(text: string, console: ConsoleOptions | null): Handler {
  const html = console === null ? null : pageOf(console)
  const policy = console === null ? '' : policyOf(console)
  return async (request) => {
    if (!METHODS.includes(request.method)) return methodNotAllowed(METHODS)
    const vary = { vary: 'Accept' }
    const isPage = prefersHTML(parseAccept(request.headers.get('accept')), ['text/plain'])
    if (html === null || !isPage) return textResponse(200, text, vary)
    return new Response(request.method === 'HEAD' ? null : html, {
      headers: {
        ...vary,
        'content-type': mediaTypeOf(PAGE_FILE),
        'content-security-policy': policy,
      },
    })
  }
}

/** Serves the console's assets; other requests go to `next`. */
export function withConsoleAssets(console: ConsoleOptions | null, next: Handler): Handler {
  const files = new Map(
    (console?.files ?? [])
      .filter(({ path }) => path !== PAGE_FILE)
      .map(({ path, bytes }): readonly [string, StaticFile] => [
        CONSOLE_BASE + path,
        { name: path, codings: [], read: async () => bytes },
      ]),
  )
  return withStaticFiles(async (path) => files.get(path) ?? null, next)
}

function pageOf({ files, requiresToken }: ConsoleOptions): string | null {
  const page = files.find(({ path }) => path === PAGE_FILE)
  if (page === undefined) return null
  return withAuthMode(new TextDecoder().decode(page.bytes), requiresToken)
}

/** https://www.w3.org/TR/CSP3/ */
function policyOf({ uploadSources, playSources }: ConsoleOptions): string {
  const play = playSources.join(' ')
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `connect-src 'self' ${uploadSources.join(' ')}`,
    `img-src 'self' ${play}`,
    // The page reads the duration of a chosen file through a blob URL.
    `media-src blob: ${play}`,
    `frame-src ${play}`,
    "worker-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')
}

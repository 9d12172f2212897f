/**
 * Serves the console: the page at `/`, its hashed assets, and a content security policy that allows
 * connections to the gateway and to Stream only.
 */
import { parseAccept, prefersHTML } from '../header-lists.ts'
import { type Handler, methodNotAllowed, textResponse } from '../handler.ts'
import { withAuthMode } from './auth-mode.ts'
import { mediaTypeOf, withStaticFiles } from './static-file.ts'

/** Returns a file of the built console, such as `index.html` or `index-1a2b3c.js`; null if there is none. */
export type ReadConsoleFile = (name: string) => Promise<Uint8Array<ArrayBuffer> | null>

export interface ConsoleOptions {
  readonly read: ReadConsoleFile
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
/** Assets of the page. Other files of the folder, such as lists of documents, are for the gateway only. */
const ASSET_NAME = /^[\w-]+\.(?:css|ico|js|png|svg)$/

const METHODS = ['GET', 'HEAD']

/** Serves the page at `/` to clients that accept HTML, and `text` to all others. */
export function createIndexHandler(text: string, console: ConsoleOptions | null): Handler {
  const policy = console === null ? '' : policyOf(console)
  return async (request) => {
    if (!METHODS.includes(request.method)) return methodNotAllowed(METHODS)
    const vary = { vary: 'Accept' }
    const isPage = prefersHTML(parseAccept(request.headers.get('accept')), ['text/plain'])
    const html = isPage && console !== null ? await pageOf(console) : null
    if (html === null) return textResponse(200, text, vary)
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
  if (console === null) return next
  return withStaticFiles(async (path) => {
    const name = path.startsWith(CONSOLE_BASE) ? path.slice(CONSOLE_BASE.length) : ''
    const bytes = ASSET_NAME.test(name) ? await console.read(name) : null
    return bytes === null ? null : { name, codings: [], read: async () => bytes }
  }, next)
}

async function pageOf({ read, requiresToken }: ConsoleOptions): Promise<string | null> {
  const page = await read(PAGE_FILE)
  return page === null ? null : withAuthMode(new TextDecoder().decode(page), requiresToken)
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

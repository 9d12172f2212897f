/**
 * The console's door: one page for browsers at `/`, its hashed files beside it, and a content policy
 * that lets the page talk to the gateway and to Stream, and to nobody else.
 */
import { type Door, methodNotAllowed, say } from '../handler.ts'
import { type StaticFile, mediaTypeOf, withStaticFiles } from './static-file.ts'

/** A file of the built console. */
export interface ConsoleFile {
  /** Within the console's folder, such as `index.html` or `index-1a2b3c.js`. */
  readonly path: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** The built console, and what its page may reach. */
export interface ConsoleOptions {
  readonly files: readonly ConsoleFile[]
  /** Sources, as the content policy names them, that videos are sent to. */
  readonly uploadSources: readonly string[]
  /** Sources that videos and their pictures come from. */
  readonly playSources: readonly string[]
  /** Whether the page has to ask for a token. */
  readonly wantsToken: boolean
}

/** Where the files are, by the `base` that the bundle is built with. */
export const CONSOLE_BASE = '/console/'
const PAGE = 'index.html'
/** What the page says of its callers before the door knows. */
const CALLERS = 'content="unknown"'

const METHODS = ['GET', 'HEAD']

/** The page to browsers at `/`, and this text to everybody else. */
export function createFrontDoor(text: string, console: ConsoleOptions | null): Door {
  const html = console === null ? null : pageOf(console)
  const policy = console === null ? '' : policyOf(console)
  return async (request) => {
    if (!METHODS.includes(request.method)) return methodNotAllowed(METHODS)
    const vary = { vary: 'Accept' }
    if (html === null || !acceptsHTML(request)) return say(200, text, vary)
    return new Response(request.method === 'HEAD' ? null : html, {
      headers: { ...vary, 'content-type': mediaTypeOf(PAGE), 'content-security-policy': policy },
    })
  }
}

/** Responds to requests for the console's files, and leaves every other to the next handler. */
export function withConsoleFiles(console: ConsoleOptions | null, next: Door): Door {
  const files = new Map(
    (console?.files ?? [])
      .filter(({ path }) => path !== PAGE)
      .map(({ path, bytes }): readonly [string, StaticFile] => [
        CONSOLE_BASE + path,
        { name: path, codings: [], read: async () => bytes },
      ]),
  )
  return withStaticFiles(async (path) => files.get(path) ?? null, next)
}

/** The page, told whether to ask for a token: a question to the gateway would end in an error. */
function pageOf({ files, wantsToken }: ConsoleOptions): string | null {
  const page = files.find(({ path }) => path === PAGE)
  if (page === undefined) return null
  const callers = `content="${wantsToken ? 'token' : 'open'}"`
  return new TextDecoder().decode(page.bytes).replace(CALLERS, callers)
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
    // A chosen file is a blob: its length is read before it is sent.
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

function acceptsHTML(request: Request): boolean {
  return /\btext\/html\b/.test(request.headers.get('accept') ?? '')
}

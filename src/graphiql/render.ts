/** Renders GraphiQL: a small page, and its script, styles and icon as files with a content hash in the name. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { renderGraphiQL } from '@graphql-yoga/render-graphiql'
import { buildSync } from 'esbuild'
import { GRAPHIQL_BASE } from '../http/graphql/endpoint.ts'
import { AUTH_META } from '../http/pages/auth-mode.ts'
import { GRAPHIQL_OPTIONS } from './options.ts'

export interface RenderedFile {
  /** Contains a hash of the content. */
  readonly name: string
  readonly bytes: Buffer<ArrayBuffer>
}

export interface RenderedGraphiQL {
  readonly page: string
  readonly files: readonly RenderedFile[]
}

/** Stylesheets are not compiled: both `src` and `dist` read them from `src`. */
const SOURCES = new URL('../../src/graphiql/', import.meta.url)

/** A change of the page that GraphiQL's renderer returns. */
interface Patch {
  readonly part: RegExp
  readonly replacement: string
}

const PATCHES: readonly Patch[] = [
  // While the page loads, the drag constraints move every tab but the last one to the end of the list.
  // GraphiQL's styles hide that until the tab is pressed: it then moves from under the pointer, and the
  // list receives the click. Tabs can still be dragged.
  { part: /\{dragConstraints:\w+,(?=value:\w+,isActive:)/, replacement: '{' },
  // GraphiQL reads the operation's name 100 ms after the editor changes. Running a newly opened tab
  // earlier would send the name of the previous tab.
  {
    part: /(?<=\w+=\w+\()100(?=,\(\)=>\{const \w+=\w+\.getValue\(\);\w+\.set\(\w+\.query,)/,
    replacement: '0',
  },
  // GraphiQL starts after the sign-in.
  {
    part: /YogaGraphiQL\.renderYogaGraphiQL\(/,
    replacement: 'signIn.start(YogaGraphiQL.renderYogaGraphiQL,',
  },
  { part: /<meta charset="utf-8" \/>/, replacement: `$&\n      ${AUTH_META}` },
]

/** Takes some hundred milliseconds, mostly for importing this module. */
export function renderFiles(): RenderedGraphiQL {
  const files: RenderedFile[] = []
  let page = PATCHES.reduce(applyPatch, renderGraphiQL(GRAPHIQL_OPTIONS))

  /** Moves a part of the page to a file and replaces it by a reference. */
  function extract(
    part: RegExp,
    extension: string,
    contentOf: (text: string) => Buffer<ArrayBuffer>,
    referenceTo: (path: string) => string,
  ): void {
    const found = part.exec(page)
    const [element, text] = found ?? []
    if (element === undefined || text === undefined) throw notFound(part)
    const bytes = contentOf(text)
    const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16)
    const name = `graphiql-${hash}.${extension}`
    files.push({ name, bytes })
    page = page.replace(element, () => referenceTo(`${GRAPHIQL_BASE}${name}`))
  }

  extract(
    /"data:image\/x-icon;base64,([\w+/=]+)"/,
    'ico',
    (text) => Buffer.from(text, 'base64'),
    (path) => `"${path}"`,
  )
  extract(
    /<style>([^]*?)<\/style>/,
    'css',
    (text) => Buffer.from(text + readFileSync(new URL('sign-in.css', SOURCES), 'utf8')),
    (path) => `<link rel="stylesheet" href="${path}" />`,
  )
  extract(
    /<script>([^]*?)<\/script>/,
    'js',
    (text) => Buffer.from(bundleSignIn() + text),
    (path) => `<script src="${path}"></script>`,
  )
  return { page, files }
}

function applyPatch(page: string, { part, replacement }: Patch): string {
  if (!part.test(page)) throw notFound(part)
  return page.replace(part, replacement)
}

function notFound(part: RegExp): Error {
  return new Error(
    `GraphiQL's page does not contain ${String(part)}. Adapt render.ts to the new page.`,
  )
}

/** Returns sign-in.ts as a script that defines `signIn`. */
function bundleSignIn(): string {
  const entry = new URL(`sign-in${extname(import.meta.url)}`, import.meta.url)
  const { outputFiles } = buildSync({
    entryPoints: [fileURLToPath(entry)],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    globalName: 'signIn',
    target: 'es2022',
  })
  return outputFiles.map(({ text }) => text).join('')
}

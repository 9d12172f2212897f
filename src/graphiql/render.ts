/** Renders GraphiQL: a small page, and its script, styles and icon as files with a content hash in the name. */
import { createHash } from 'node:crypto'
import { renderGraphiQL } from '@graphql-yoga/render-graphiql'
import { GRAPHIQL_BASE } from '../http/graphql/endpoint.ts'
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

/** Takes some hundred milliseconds, mostly for importing this module. */
export function renderFiles(): RenderedGraphiQL {
  const files: RenderedFile[] = []
  let page = renderGraphiQL(GRAPHIQL_OPTIONS)

  /** Moves a part of the page to a file and replaces it by a reference. */
  function extract(
    part: RegExp,
    extension: string,
    contentOf: (text: string) => Buffer<ArrayBuffer>,
    referenceTo: (path: string) => string,
  ): void {
    const found = part.exec(page)
    const [element, text] = found ?? []
    if (element === undefined || text === undefined) {
      throw new Error(
        `GraphiQL's page does not contain ${String(part)}. Adapt render.ts to the new page.`,
      )
    }
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
    (text) => Buffer.from(text),
    (path) => `<link rel="stylesheet" href="${path}" />`,
  )
  extract(
    /<script>([^]*?)<\/script>/,
    'js',
    (text) => Buffer.from(text),
    (path) => `<script src="${path}"></script>`,
  )
  return { page, files }
}

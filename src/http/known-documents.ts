/** Remembers documents by their text, and which of them were found valid and carried out. */
import type { DocumentNode, ExecutionArgs } from 'graphql'
import { type DocumentCache, createDocumentCache } from './graphql/plugins/document-cache.ts'
import type { GatewayPlugin } from './graphql/plugins/plugin.ts'

export interface KnownDocuments {
  /** For Yoga, which parses and validates each document once. */
  readonly cache: DocumentCache<DocumentNode>
  /** Notes what is carried out, whichever way it came. */
  readonly plugin: GatewayPlugin
  /** What this text was parsed to; null where it was not carried out, or was forgotten since. */
  carriedOut(text: string): DocumentNode | null
}

export function createKnownDocuments(): KnownDocuments {
  const cache = createDocumentCache<DocumentNode>()
  const carriedOut = new WeakSet<DocumentNode>()
  function note({ args: { document } }: { readonly args: ExecutionArgs }): void {
    carriedOut.add(document)
  }
  return {
    cache,
    plugin: { onExecute: note, onSubscribe: note },
    carriedOut(text) {
      const document = cache.get(text)
      return document !== undefined && carriedOut.has(document) ? document : null
    },
  }
}

/** LRU cache of parsed documents by text, and the set of documents that were executed. */
import type { DocumentNode, ExecutionArgs } from 'graphql'
import { LRUCache } from 'lru-cache'
import type { GatewayPlugin } from './plugin.ts'

/** Total characters of all cached documents; enough for several hundred frontend operations. */
const MAX_CHARACTERS = 200_000

/** Cache interface of Yoga, for parsed documents and for parse errors. */
export interface DocumentCache<T> {
  get(text: string): T | undefined
  set(text: string, value: T): void
}

/** Creates a cache that evicts the least recently used documents. */
export function createDocumentCache<T extends object>(): DocumentCache<T> {
  return new LRUCache<string, T>({
    maxSize: MAX_CHARACTERS,
    // The empty text counts as well: sizes must be positive.
    sizeCalculation: (_value, text) => Math.max(1, text.length),
  })
}

export interface ExecutedDocuments {
  /** Parsed documents; Yoga parses and validates each cached document once. */
  readonly cache: DocumentCache<DocumentNode>
  /** Records each executed document, for HTTP and WebSocket. */
  readonly plugin: GatewayPlugin
  /** Returns the parsed document of this text. Null if it was never executed, or was evicted. */
  getExecuted(text: string): DocumentNode | null
}

export function createExecutedDocuments(): ExecutedDocuments {
  const cache = createDocumentCache<DocumentNode>()
  const executed = new WeakSet<DocumentNode>()
  function record({ args: { document } }: { readonly args: ExecutionArgs }): void {
    executed.add(document)
  }
  return {
    cache,
    plugin: { onExecute: record, onSubscribe: record },
    getExecuted(text) {
      const document = cache.get(text)
      return document !== undefined && executed.has(document) ? document : null
    },
  }
}

/** The resolvers' context: viewer and its usage, dependencies, batched history reads, pages, result limit. */
import { type CallerUsage, createCallerUsage } from '../uploads/caller-usage.ts'
import type { Dependencies } from '../uploads/dependencies.ts'
import type { UploadEvent } from '../uploads/upload.ts'
import type { Viewer } from '../uploads/viewer.ts'
import { type ResultLimit, createResultLimit } from './result-limit.ts'
import { limitReads } from './limit-reads.ts'
import { type OperationPages, createOperationPages } from './operation-pages.ts'

export interface GraphQLContext {
  readonly dependencies: Dependencies
  readonly viewer: Viewer
  readonly usage: CallerUsage
  readonly history: HistoryReader
  readonly pages: OperationPages
  readonly resultLimit: ResultLimit
  /** Set by the transport of a subscription, and filled by its field. */
  readonly subscription?: SubscriptionState | undefined
}

/** State of a running subscription, for its transport. */
export interface SubscriptionState {
  /** Whether it ended although further events may follow: the client must subscribe again. */
  isInterrupted: () => boolean
  /** Resolves when the next event can be executed without waiting for a change, or the subscription has ended. */
  nextChange: () => Promise<void>
}

/** State before the field of the subscription has filled it. */
export function createSubscriptionState(): SubscriptionState {
  return { isInterrupted: () => false, nextChange: () => Promise.resolve() }
}

/** Creates the context of one operation; read and result limits are per operation. */
export function createContext(shared: Dependencies, viewer: Viewer): GraphQLContext {
  const store = limitReads(shared.store)
  const dependencies = store === shared.store ? shared : { ...shared, store }
  return {
    dependencies,
    viewer,
    usage: createCallerUsage(dependencies, viewer),
    history: createHistoryReader(dependencies),
    pages: createOperationPages(dependencies.pageTurns, viewer.subject),
    resultLimit: createResultLimit(),
  }
}

/** Reads an upload's history. Reads of the same tick are batched into one query. */
export type HistoryReader = (id: string) => Promise<readonly UploadEvent[]>

export function createHistoryReader({ store }: Pick<Dependencies, 'store'>): HistoryReader {
  let batch: { ids: Set<string>; histories: ReturnType<typeof store.historyOf> } | null = null
  return async (id) => {
    if (batch === null) {
      const ids = new Set<string>()
      // Resolvers of one level run in the same tick and share the batch.
      const histories = Promise.resolve().then(() => {
        batch = null
        return store.historyOf([...ids])
      })
      batch = { ids, histories }
    }
    batch.ids.add(id)
    return (await batch.histories).get(id) ?? []
  }
}

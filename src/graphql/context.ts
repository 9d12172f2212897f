/** What every resolver is given: who asks, what the domain is made with, batched history, bounds. */
import type { Parts } from '../uploads/dependencies.ts'
import type { UploadEvent } from '../uploads/upload.ts'
import type { Viewer } from '../uploads/viewer.ts'
import { type Allowance, createAllowance } from './result-limit.ts'
import { limitReads } from './limit-reads.ts'

export interface GraphQLContext {
  readonly parts: Parts
  readonly viewer: Viewer
  readonly history: HistoryReader
  readonly allowance: Allowance
}

/** Anew for each operation: what it reads and how much it may answer with is its own. */
export function createContext(shared: Parts, viewer: Viewer): GraphQLContext {
  const store = limitReads(shared.store)
  const parts = store === shared.store ? shared : { ...shared, store }
  return {
    parts,
    viewer,
    history: createHistoryReader(parts),
    allowance: createAllowance(),
  }
}

/** Reads the history of uploads; those asked for in one turn are read with one query. */
export type HistoryReader = (id: string) => Promise<readonly UploadEvent[]>

export function createHistoryReader({ store }: Pick<Parts, 'store'>): HistoryReader {
  let batch: { ids: Set<string>; histories: ReturnType<typeof store.historyOf> } | null = null
  return async (id) => {
    if (batch === null) {
      const ids = new Set<string>()
      // Resolvers of one level run in one turn: whoever asks in it joins the batch.
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

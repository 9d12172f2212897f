/** Fills the gateway's document cache with documents of maximum length and measures its memory. */
import { createConnection } from './connection.ts'
import { requestInput } from './input.ts'
import { startSetup } from './setup.ts'
import type { ProcessState } from './instrumented-process.ts'

export interface DocumentCacheOutcome {
  readonly documents: number
  readonly before: ProcessState
  readonly after: ProcessState
}

/** Slightly below the body limit. */
const DOCUMENT_BYTES = 250_000

/** Sends different documents as one caller with a valid token; every second one is invalid. */
export async function fillDocumentCache(documents: number): Promise<DocumentCacheOutcome> {
  const setup = await startSetup(60)
  const connection = createConnection(setup.port)
  const headers = [
    ['Content-Type', 'application/json'],
    ['Authorization', setup.baselineAuthorization],
  ] as const
  const send = (query: string) =>
    connection.send(requestInput({ path: '/graphql', headers, body: JSON.stringify({ query }) }))
  try {
    await send('{ __typename }')
    const before = await setup.gateway.state()
    const comment = 'x'.repeat(DOCUMENT_BYTES)
    for (let index = 0; index < documents; index += 1) {
      await send(`${index % 2 === 0 ? '{ __typename }' : '{'} # ${index} ${comment}`)
    }
    return { documents, before, after: await setup.gateway.state() }
  } finally {
    connection.close()
    await setup.end()
  }
}

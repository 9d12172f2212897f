/** Makes the gateway remember documents that are as long as they may be, and weighs what stays. */
import { createConnection } from './connection.ts'
import { ask } from './input.ts'
import { setSetup } from './setup.ts'
import type { ProcessState } from './instrumented-process.ts'

export interface HoardOutcome {
  readonly documents: number
  readonly before: ProcessState
  readonly after: ProcessState
}

/** Somewhat less than a request may have. */
const DOCUMENT_BYTES = 250_000

/** One caller with a good token sends so many documents that differ, every other one broken. */
export async function hoardDocuments(documents: number): Promise<HoardOutcome> {
  const setup = await setSetup(60)
  const connection = createConnection(setup.port)
  const headers = [
    ['Content-Type', 'application/json'],
    ['Authorization', setup.honest],
  ] as const
  const send = (query: string) =>
    connection.ask(ask({ path: '/graphql', headers, body: JSON.stringify({ query }) }))
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

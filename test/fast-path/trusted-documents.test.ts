/** Trusted documents on the fast path: by id like by text, and no others. */
import { expect, it } from 'vitest'
import { createTrustedDocuments } from '../../src/http/graphql/plugins/trusted-documents.ts'
import { tokenFor } from '../kit/gateway.ts'
import { WARM_UP_RUNS } from './both-paths.ts'
import { comparable, sendRequest } from './send-request.ts'
import { createSetup } from './setup.ts'
import { openSocket, until } from './subscription-clients.ts'

const LIST = '{ uploads { totalCount } }'
const WATCH = 'subscription { uploadsChanged { uid } }'
const trustedDocuments = createTrustedDocuments([
  { ids: ['list'], text: LIST },
  { ids: ['watch'], text: WATCH },
])

it('executes a document by its id after some requests, with the response of the fallback', async () => {
  const setup = await createSetup({ trustedDocuments })
  const headers = { authorization: `Bearer ${await tokenFor('ada')}`, accept: 'application/json' }
  const send = (url: string, body: object) => sendRequest(url, headers, JSON.stringify(body))
  const byId = { extensions: { persistedQuery: { version: 1, sha256Hash: 'list' } } }
  for (let run = 0; run < WARM_UP_RUNS; run += 1) await send(setup.fast, byId)
  for (const body of [byId, { documentId: 'list' }, { id: 'list' }, { query: LIST }]) {
    const fast = await send(setup.fast, body)
    expect(setup.usedFastPath(fast.requestId)).toBe(true)
    expect(comparable(fast)).toEqual(comparable(await send(setup.fallback, body)))
  }
  for (const body of [
    { documentId: 'lists' },
    { query: '{ uploads { totalCount  a: totalCount } }' },
  ]) {
    for (let run = 0; run <= WARM_UP_RUNS; run += 1) {
      const refused = await send(setup.fast, body)
      expect(setup.usedFastPath(refused.requestId)).toBe(false)
      expect(refused.text).toContain('UNTRUSTED_DOCUMENT')
    }
  }
})

it('shares subscriptions over WebSocket that name the document by its id', async () => {
  const setup = await createSetup({ trustedDocuments })
  const client = await openSocket(setup.fast, await tokenFor('ada'))
  const subscribe = (id: string): void =>
    client.send({ id, type: 'subscribe', payload: { documentId: 'watch' } })
  for (const id of ['1', '2', '3']) {
    subscribe(id)
    client.send({ type: 'ping', payload: { id } })
    await until(
      () => client.messages.some((text) => text.includes(`"pong","payload":{"id":"${id}"`)),
      'pong',
    )
  }
  await expect.poll(() => setup.joinedSubscriptions()).toBe(1)
})

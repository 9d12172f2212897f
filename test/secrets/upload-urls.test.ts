/** An upload URL is returned to the upload's creator only, and only while it is usable. */
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { testcardFile } from '../kit/media.ts'
import { postFile } from '../kit/operations.ts'
import type { Token } from './test-secrets.ts'
import { sseRequest, graphqlRequest } from './send-requests.ts'
import { DELETE, NODES, UPLOADS, UPLOAD_OF, WATCH, WATCH_ALL } from './operations.ts'
import type { Secret } from './search.ts'
import { connectionInit, converse, subscribeMessage } from './websocket-conversations.ts'
import { type GatewaySetup, type Minted, setupInProcess } from './setup.ts'

/** Reads uploads by every operation as one caller. `own` are URLs that this caller may read. */
async function readThroughEveryOperation(
  { client }: GatewaySetup,
  by: Token,
  uploads: readonly Minted[],
  when: string,
  own: readonly Secret[] = [],
): Promise<void> {
  const label = `${by.secret.name}, ${when}`
  await client.send({ ...graphqlRequest(`uploads by ${label}`, by.text, UPLOADS), own })
  const until = /event: (?:next|complete)\n/
  for (const { uid } of uploads) {
    const id = btoa(`Upload:${uid}`)
    await client.sendAll([
      { ...graphqlRequest(`upload by ${label}`, by.text, UPLOAD_OF, { uid }), own },
      { ...graphqlRequest(`nodes by ${label}`, by.text, NODES, { id }), own },
      { ...sseRequest(`uploadStatus by ${label}`, by.text, WATCH, { uid }), own, until },
    ])
    const messages = [connectionInit(by.text), subscribeMessage(WATCH, { uid })]
    await converse(client, { name: `uploadStatus by ${label}`, messages, own })
  }
}

/** Polls until the condition holds; the test's own time limit ends it. */
async function waitUntil(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await pause(20)
}

describe("an upload's URL", () => {
  it('is returned to its creator only, and only while it is usable', async () => {
    const setup = await setupInProcess()
    const { tokens, transcript, client, gateway } = setup
    const { ada, bob, admin } = tokens
    // One subscription to all changes, as an administrator, to whom no URL is returned.
    const watching = client.send({
      ...sseRequest('uploadsChanged by root', admin.text, WATCH_ALL),
      until: /DELETED/,
    })
    const uploads = [
      await setup.mintBasic(ada, { idempotencyKey: 'one' }),
      await setup.mintTus(ada),
      await setup.mintAtTusEndpoint(ada),
      await setup.mintBasic(admin, { creator: 'ada' }),
    ]
    const urls = uploads.map(({ secret }) => secret)
    await readThroughEveryOperation(setup, ada, uploads, 'usable', urls)
    await readThroughEveryOperation(setup, bob, uploads, 'usable')
    await readThroughEveryOperation(setup, admin, uploads, 'usable')
    for (const url of urls) {
      expect(transcript.placesOf(url)).toEqual(
        expect.arrayContaining([
          'uploads by the token of ada, usable: 200',
          'upload by the token of ada, usable: 200',
          'nodes by the token of ada, usable: 200',
          'uploadStatus by the token of ada, usable: 200',
          'socket, uploadStatus by the token of ada, usable',
        ]),
      )
    }

    const [basic, tus] = uploads
    if (basic === undefined || tus === undefined) throw new Error('No upload was created.')
    setup.recordLog()
    // Until the file is uploaded, the URL can be derived from a uid in the log.
    for (const { message, fields } of gateway.logs) {
      expect(`${message} ${JSON.stringify(fields)}`).not.toContain(basic.uid)
    }
    await postFile(basic.uploadURL, testcardFile())
    await waitUntil(async () => {
      gateway.clock.advance(1)
      const { body } = await client.send({
        ...graphqlRequest('reading the upload', ada.text, UPLOAD_OF, { uid: basic.uid }),
        own: [basic.secret],
      })
      return body.includes('"status":"READY"')
    })
    await readThroughEveryOperation(setup, ada, [basic], 'used', urls.slice(1))
    await client.send(graphqlRequest('a deletion', ada.text, DELETE, { uid: tus.uid }))
    await readThroughEveryOperation(setup, ada, [tus], 'deleted', urls.slice(2))
    await watching

    // URLs of both protocols have expired by then, whether Stream reports it or not.
    gateway.clock.advance(7 * 3600)
    for (const caller of [ada, bob, admin])
      await readThroughEveryOperation(setup, caller, uploads, 'expired')
    setup.recordLog()
    expect(transcript.placesOf(basic.secret).filter((place) => place.includes('used'))).toEqual([])
    expect(transcript.leaks()).toEqual([])
  })
})

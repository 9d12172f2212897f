/** An upload's URL is shown to its creator, while it can be used, and to nobody else ever. */
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { testcardFile } from '../kit/media.ts'
import { postFile } from '../kit/operations.ts'
import type { Token } from './test-secrets.ts'
import { eventsKnock, graphqlKnock } from './send-requests.ts'
import { DELETE, NODES, UPLOADS, UPLOAD_OF, WATCH, WATCH_ALL } from './operations.ts'
import type { Secret } from './search.ts'
import { hello, operation, talk } from './websocket-conversations.ts'
import { type GatewaySetup, type Minted, setupInProcess } from './setup.ts'

/** Every way of looking at uploads, by one caller. `own` are URLs that this caller may read. */
async function lookEverywhere(
  { door: endpoint }: GatewaySetup,
  by: Token,
  uploads: readonly Minted[],
  when: string,
  own: readonly Secret[] = [],
): Promise<void> {
  const as = `${by.secret.name}, ${when}`
  await endpoint.knock({ ...graphqlKnock(`uploads by ${as}`, by.text, UPLOADS), own })
  const until = /event: (?:next|complete)\n/
  for (const { uid } of uploads) {
    const id = btoa(`Upload:${uid}`)
    await endpoint.knockAll([
      { ...graphqlKnock(`upload by ${as}`, by.text, UPLOAD_OF, { uid }), own },
      { ...graphqlKnock(`nodes by ${as}`, by.text, NODES, { id }), own },
      { ...eventsKnock(`uploadStatus by ${as}`, by.text, WATCH, { uid }), own, until },
    ])
    const says = [hello(by.text), operation(WATCH, { uid })]
    await talk(endpoint, { name: `uploadStatus by ${as}`, says, own })
  }
}

/** Waits until something is as it should be; the test's own time limit ends it. */
async function waitUntil(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await pause(20)
}

describe("an upload's URL", () => {
  it('is shown to its creator only, and only while it can be used', async () => {
    const setup = await setupInProcess()
    const { tokens, transcript, door: endpoint, gateway } = setup
    const { ada, bob, admin } = tokens
    // One listener for all that happens: an administrator, to whom no URL is shown.
    const watching = endpoint.knock({
      ...eventsKnock('uploadsChanged by root', admin.text, WATCH_ALL),
      until: /DELETED/,
    })
    const uploads = [
      await setup.mintBasic(ada, { idempotencyKey: 'one' }),
      await setup.mintTus(ada),
      await setup.mintAtTusDoor(ada),
      await setup.mintBasic(admin, { creator: 'ada' }),
    ]
    const urls = uploads.map(({ secret }) => secret)
    await lookEverywhere(setup, ada, uploads, 'usable', urls)
    await lookEverywhere(setup, bob, uploads, 'usable')
    await lookEverywhere(setup, admin, uploads, 'usable')
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
    if (basic === undefined || tus === undefined) throw new Error('Nothing was minted.')
    setup.noteLog()
    // Until the file is there, whoever reads a uid in a log could tell the URL from it.
    for (const { message, fields } of gateway.logs) {
      expect(`${message} ${JSON.stringify(fields)}`).not.toContain(basic.uid)
    }
    await postFile(basic.uploadURL, testcardFile())
    await waitUntil(async () => {
      gateway.clock.advance(1)
      const { body } = await endpoint.knock({
        ...graphqlKnock('a look', ada.text, UPLOAD_OF, { uid: basic.uid }),
        own: [basic.secret],
      })
      return body.includes('"status":"READY"')
    })
    await lookEverywhere(setup, ada, [basic], 'used', urls.slice(1))
    await endpoint.knock(graphqlKnock('a deletion', ada.text, DELETE, { uid: tus.uid }))
    await lookEverywhere(setup, ada, [tus], 'deleted', urls.slice(2))
    await watching

    // Both kinds have lapsed by then; Stream is asked, and says so or nothing.
    gateway.clock.advance(7 * 3600)
    for (const caller of [ada, bob, admin]) await lookEverywhere(setup, caller, uploads, 'lapsed')
    setup.noteLog()
    expect(transcript.placesOf(basic.secret).filter((place) => place.includes('used'))).toEqual([])
    expect(transcript.leaks()).toEqual([])
  })
})

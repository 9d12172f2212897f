/** Events of a subscription: the current state, each change once and in order, then completion. */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { testcardFile } from '../kit/media.ts'
import {
  createDirectUpload,
  deleteUpload,
  expectMinted,
  postFile,
  watchToEnd,
  watchUpload,
} from '../kit/operations.ts'

const changed = z.object({
  uploadsChanged: z.object({ uid: z.string(), status: z.string(), version: z.number() }),
})
const CHANGES = 'subscription { uploadsChanged { uid status version } }'

describe('uploadStatus', () => {
  it('sends a finished upload once and completes', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const { uid, uploadURL } = expectMinted(await createDirectUpload(caller))
    await postFile(uploadURL, testcardFile())
    const seen = await watchToEnd(caller, uid)
    expect(seen.at(-1)?.status).toBe('READY')
    expect(await watchToEnd(caller, uid)).toEqual([seen.at(-1)])
  })

  it('sends each of 10 subscribers ascending versions up to READY', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const { uid, uploadURL } = expectMinted(await createDirectUpload(caller))
    const watchers = Array.from({ length: 10 }, () => watchToEnd(caller, uid))
    await postFile(uploadURL, testcardFile())
    for (const states of await Promise.all(watchers)) {
      const versions = states.map((state) => state.version)
      expect(versions).toEqual(versions.toSorted((a, b) => a - b))
      expect(new Set(versions).size).toBe(versions.length)
      expect(states.at(-1)?.status).toBe('READY')
    }
  })

  it('ends with UPLOAD_NOT_FOUND for an unknown uid', async () => {
    const gateway = await startTestGateway()
    await expect(watchToEnd(gateway.as(), 'f'.repeat(32))).rejects.toMatchObject({
      errors: [{ extensions: { code: 'UPLOAD_NOT_FOUND' } }],
    })
  })

  // A connection that closes without `complete` makes clients reconnect; this one does not.
  it('is interrupted when the token expires', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const caller = gateway.as(await tokenFor('ada'))
    const { uid } = expectMinted(await createDirectUpload(caller))
    const states = watchUpload(caller, uid)
    expect(await states.next()).toMatchObject({ value: { status: 'PENDING_UPLOAD' } })
    gateway.clock.advance(3601)
    await expect(states.next()).rejects.toThrow('Connection closed')
  })

  it('continues while the token is valid, beyond the 24.8 days of the longest timer', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const in60Days = Math.floor(Date.now() / 1000) + 60 * 86_400
    const caller = gateway.as(await tokenFor('ada', { exp: in60Days }))
    const { uid } = expectMinted(await createDirectUpload(caller))
    const statuses: string[] = []
    for await (const { status } of watchUpload(caller, uid)) {
      if (statuses.length === 0) gateway.clock.advance(25 * 86_400)
      statuses.push(status)
    }
    expect(statuses).toEqual(['PENDING_UPLOAD', 'EXPIRED'])
  })

  it('is interrupted when the gateway stops and does not delay shutdown', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const { uid } = expectMinted(await createDirectUpload(caller))
    const states = watchUpload(caller, uid)
    await states.next()
    const stopped = gateway.stop()
    await expect(states.next()).rejects.toThrow('Connection closed')
    await stopped
    await expect(fetch(gateway.url)).rejects.toThrow('fetch failed')
  })
})

describe('a subscriber that disconnects', () => {
  it('no longer increases the polling rate', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const { uid } = expectMinted(await createDirectUpload(caller))
    const listed = async () => (await gateway.emulator.state()).requests['list'] ?? 0
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: `subscription { uploadStatus(uid: "${uid}") { status } }` }),
    })
    expect(response.headers.get('x-accel-buffering')).toBe('no')
    const watched = await listed()
    while ((await listed()) < watched + 3) gateway.clock.advance(1)

    await response.body?.cancel()
    // Sync rounds continue, but this upload is due in few of them.
    let roundsWithoutPoll = 0
    for (let rounds = 0; rounds < 200 && roundsWithoutPoll < 5; rounds += 1) {
      const before = await listed()
      gateway.clock.advance(1)
      await gateway.emulator.state()
      roundsWithoutPoll = (await listed()) === before ? roundsWithoutPoll + 1 : 0
    }
    expect(roundsWithoutPoll).toBe(5)
  })
})

describe('uploadsChanged', () => {
  it('sends every change of the caller’s uploads and none of other callers', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const ada = gateway.as(await tokenFor('ada'))
    const bob = gateway.as(await tokenFor('bob'))
    const changes = ada.watch(changed, CHANGES)
    const first = changes.next()
    // The subscription is active once the first change arrives.
    const minted: string[] = []
    const mintTimer = setInterval(() => {
      void createDirectUpload(ada).then((outcome) => minted.push(expectMinted(outcome).uid))
    }, 20)
    await first
    clearInterval(mintTimer)

    const foreign = expectMinted(await createDirectUpload(bob))
    const own = expectMinted(await createDirectUpload(ada))
    await deleteUpload(bob, foreign.uid)
    await deleteUpload(ada, own.uid)

    const seen: string[] = []
    for await (const { uploadsChanged } of changes) {
      if (uploadsChanged.uid === foreign.uid) throw new Error("bob's upload was shown to ada")
      if (uploadsChanged.uid !== own.uid) continue
      seen.push(`${uploadsChanged.version} ${uploadsChanged.status}`)
      if (uploadsChanged.status === 'DELETED') break
    }
    expect(seen).toEqual(['1 PENDING_UPLOAD', '2 DELETED'])
  })
})

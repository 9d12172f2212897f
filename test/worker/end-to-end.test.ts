/** Uploads through the Worker with each adapter of Stream, watched by SSE and WebSocket until they end. */
import { createClient } from 'graphql-ws'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { createApiKey } from '../emulator/kit/playback-tokens.ts'
import { createStreamClient } from '../emulator/kit/stream-client.ts'
import { type TestEmulator, startTestEmulator } from '../kit/emulator.ts'
import { type Caller, TEST_SECRET, tokenFor } from '../kit/gateway.ts'
import { paddedTestcard, testcardFile, textFile } from '../kit/media.ts'
import {
  type MintOutcome,
  createDirectUpload,
  createTusUpload,
  deleteUpload,
  expectMinted,
  postFile,
  watchToEnd,
} from '../kit/operations.ts'
import { playbackOf, statusOf, uploadVideo } from '../playback/kit.ts'
import { uploadByTus } from '../kit/tus.ts'
import { expectUpdated, readUpload, updateUpload } from '../kit/update-upload.ts'
import { type TestStream, type TestWorker, startWorker } from '../kit/gateway-worker.ts'

let emulator: TestEmulator

beforeAll(async () => {
  emulator = await startTestEmulator()
})
afterAll(() => emulator.close())

const variables = { AUTH_JWT_SECRET: TEST_SECRET, RATE_LIMIT_CREATES: '1000' }

const WATCH = 'subscription ($uid: ID!) { uploadStatus(uid: $uid) { status version } }'
const watched = z.object({ uploadStatus: z.object({ status: z.string(), version: z.number() }) })

/** Returns the statuses that a new WebSocket receives. */
async function watchBySocket(url: string, token: string, uid: string): Promise<string[]> {
  const client = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: { authorization: `Bearer ${token}` },
  })
  const statuses: string[] = []
  try {
    for await (const { data, errors } of client.iterate({ query: WATCH, variables: { uid } })) {
      if (errors !== undefined) throw new Error(JSON.stringify(errors))
      statuses.push(watched.parse(data).uploadStatus.status)
    }
  } finally {
    await client.dispose()
  }
  return statuses
}

describe.concurrent.each<TestStream['by']>(['binding', 'token', 'both'])(
  'with Stream by %s',
  (by) => {
    let worker: TestWorker
    let token: string

    beforeAll(async () => {
      worker = await startWorker({ variables, stream: { emulator, by } })
      token = await tokenFor('ada')
    })
    afterAll(() => worker.stop())

    it('a file by POST becomes READY for all subscribers', async () => {
      const ada = worker.as(token)
      const { uid, uploadURL } = expectMinted(await createDirectUpload(ada))
      const watching = [
        watchToEnd(ada, uid).then((states) => states.map(({ status }) => status)),
        watchBySocket(worker.url, token, uid),
        watchBySocket(worker.url, token, uid),
      ]
      expect((await postFile(uploadURL, testcardFile())).status).toBe(200)
      for (const statuses of await Promise.all(watching)) expect(statuses.at(-1)).toBe('READY')
    })

    it('a file that is not a video results in ERROR', async () => {
      const ada = worker.as(token)
      const { uid, uploadURL } = expectMinted(await createDirectUpload(ada))
      const states = watchToEnd(ada, uid)
      await postFile(uploadURL, textFile())
      expect((await states).at(-1)).toMatchObject({ status: 'ERROR' })
    })

    it('concurrent changes are all recorded, and change the video at Stream', async () => {
      const ada = worker.as(token)
      const minted = await createDirectUpload(ada, { meta: { take: 1 } })
      const { uid } = expectMinted(minted)
      const outcomes = await Promise.all([
        updateUpload(ada, { uid, name: 'a.mp4' }),
        updateUpload(ada, { uid, meta: { take: 2 } }),
        updateUpload(ada, { uid, requireSignedURLs: true, maxDurationSeconds: 120 }),
      ])
      for (const outcome of outcomes) expectUpdated(outcome)
      expect(await readUpload(ada, uid)).toMatchObject({
        version: 4,
        name: 'a.mp4',
        meta: { take: 2 },
        constraints: { requireSignedURLs: true, maxDurationSeconds: 120 },
      })
      const { videos } = await emulator.state()
      expect(videos.find((video) => video.uid === uid)).toMatchObject({
        meta: { name: 'a.mp4' },
        maxDurationSeconds: 120,
      })
      const expiry = new Date(Date.now() + 3_600_000)
      expect((await updateUpload(ada, { uid, expiry })).__typename).toBe(
        by === 'binding' ? 'InvalidInputError' : 'UpdateUploadSuccess',
      )
    })

    it('a deletion removes the video at Stream and sends DELETED to subscribers', async () => {
      const ada = worker.as(token)
      const { uid } = expectMinted(await createDirectUpload(ada))
      const states = watchBySocket(worker.url, token, uid)
      const first = watchBySocket(worker.url, token, uid)
      expect(await deleteUpload(ada, uid)).toMatchObject({ __typename: 'DeleteUploadSuccess' })
      expect((await states).at(-1)).toBe('DELETED')
      expect((await first).at(-1)).toBe('DELETED')
      expect((await emulator.state()).videos.map((video) => video.uid)).not.toContain(uid)
    })

    it('concurrent requests with the same idempotency key create one upload', async () => {
      const ada = worker.as(token)
      const outcomes = await Promise.all(
        [1, 2, 3].map(() => createDirectUpload(ada, { idempotencyKey: 'the same' })),
      )
      expect(new Set(outcomes.map((outcome) => expectMinted(outcome).uid)).size).toBe(1)
    })

    it('a private video plays with a token of Stream, which by the binding is valid for an hour', async () => {
      const ada = worker.as(token)
      const uid = await uploadVideo(ada)
      expect(await statusOf((await playbackOf(ada, uid))?.hlsURL ?? '')).toBe(200)
      expect(await statusOf(`${emulator.url}/${uid}/manifest/video.m3u8`)).toBe(401)
      const minute = await playbackOf(ada, uid, { ttlSeconds: 60 }).then(
        async (playback) => String(await statusOf(playback?.hlsURL ?? '')),
        (error: unknown) => /STREAM_REJECTED/.exec(String(error))?.[0],
      )
      expect(minute).toBe(by === 'binding' ? 'STREAM_REJECTED' : '200')
    })

    it('a file by tus becomes READY, or is rejected with a message if no API token is set', async () => {
      const ada = worker.as(token)
      const file = paddedTestcard(6_000_000)
      const outcome = await createTusUpload(ada, { sizeBytes: file.size })
      const outcomes = [errorMessageOf(outcome), await statusAfter(outcome, ada, file)]
      const rejected: [unknown, null] = [expect.stringContaining('tus'), null]
      expect(outcomes).toEqual(by === 'binding' ? rejected : [null, 'READY'])
    })
  },
)

describe('with a signing key', () => {
  it('signs playback tokens itself', async () => {
    const key = await createApiKey(createStreamClient(emulator))
    const signing = { STREAM_SIGNING_KEY_ID: key.id, STREAM_SIGNING_KEY_JWK: key.jwk }
    const worker = await startWorker({
      variables: { ...variables, ...signing },
      stream: { emulator, by: 'binding' },
    })
    try {
      const ada = worker.as(await tokenFor('ada'))
      const uid = await uploadVideo(ada)
      const playback = await playbackOf(ada, uid, { ttlSeconds: 60, downloadable: true })
      expect(decodeJwt(playback?.token ?? '')).toMatchObject({
        sub: uid,
        kid: key.id,
        downloadable: true,
      })
      expect(await statusOf(playback?.hlsURL ?? '')).toBe(200)
      expect(worker.lines.join('\n')).not.toContain(playback?.token)
    } finally {
      await worker.stop()
    }
  })
})

/** Returns the error message; null if the upload was created. */
function errorMessageOf(outcome: MintOutcome): string | null {
  return 'message' in outcome ? outcome.message : null
}

/** Uploads the file and returns its last status; null if no upload was created. */
async function statusAfter(
  outcome: MintOutcome,
  caller: Caller,
  file: Blob,
): Promise<string | null> {
  if (!('upload' in outcome)) return null
  const states = watchToEnd(caller, outcome.upload.uid)
  await uploadByTus(outcome.uploadURL, file)
  return (await states).at(-1)?.status ?? null
}

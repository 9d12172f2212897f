/** The fast path gives a playback token only to a caller who may play that video. */
import { decodeJwt } from 'jose'
import { expect, it } from 'vitest'
import { createPlaybackSigner } from '../../src/stream/playback-signer.ts'
import { openSqlite } from '../../src/store/sqlite/database.ts'
import { fillStore } from '../kit/fill-store.ts'
import { tokenFor } from '../kit/gateway.ts'
import { createSigningKey } from '../kit/signing-key.ts'
import { WARM_UP_RUNS, expectSameResponse, sendOperation } from './both-paths.ts'
import { type Setup, createSetup } from './setup.ts'
import { warmUp } from './subscriptions.ts'
import { openEventStream, until } from './subscription-clients.ts'
import { createTestUpload } from './upload-histories.ts'

const CREATORS = 20
const { signingKey } = await createSigningKey()

interface Video {
  readonly uid: string
  readonly creator: string
}

/** Starts a gateway with one private READY video of each creator. */
async function start(): Promise<{ readonly setup: Setup; readonly videos: readonly Video[] }> {
  const setup = await createSetup({ sign: await createPlaybackSigner(signingKey) })
  fillStore(setup.databaseFile, { uploads: CREATORS, creators: CREATORS, newest: new Date() })
  const { connection } = openSqlite(setup.databaseFile)
  connection.exec('update uploads set require_signed_urls = 1')
  const videos = connection
    .prepare<[], Video>("select uid, creator from uploads where status = 'READY'")
    .all()
  connection.close()
  return { setup, videos }
}

async function authorizationOf(subject: string, scope = ''): Promise<{ authorization: string }> {
  return { authorization: `Bearer ${await tokenFor(subject, { scope })}` }
}

const PLAYBACK = 'query ($uid: ID!) { playback(uid: $uid) { token hlsURL } }'
const VIDEO = 'query ($uid: ID!) { upload(uid: $uid) { video { hlsURL playback { token } } } }'

it('responds to many concurrent callers with the token of their own video, or none', async () => {
  const { setup, videos } = await start()
  const callers = await Promise.all(
    [
      ...videos.map(({ creator }) => [creator, ''] as const),
      ['viewer', 'videos:play'] as const,
      ['root', 'uploads:admin'] as const,
    ].map(async ([subject, scope]) => ({
      subject,
      scope,
      headers: await authorizationOf(subject, scope),
    })),
  )
  const [first] = videos
  for (const { headers } of callers) {
    for (const query of [PLAYBACK, VIDEO]) {
      for (let run = 0; run < WARM_UP_RUNS; run += 1)
        await sendOperation(setup.fast, { query, variables: { uid: first?.uid }, headers })
    }
  }
  for (const { uid, creator } of videos) {
    const responses = await Promise.all(
      callers.flatMap(({ subject, scope, headers }) =>
        [PLAYBACK, VIDEO].map(async (query) => ({
          mayPlay:
            subject === creator ||
            scope === 'uploads:admin' ||
            (scope === 'videos:play' && query === PLAYBACK),
          response: await sendOperation(setup.fast, { query, variables: { uid }, headers }),
        })),
      ),
    )
    for (const { mayPlay, response } of responses) {
      expect(setup.usedFastPath(response.requestId)).toBe(true)
      const [token = null] = /eyJ[\w-]+\.[\w-]+\.[\w-]+/.exec(response.text) ?? []
      expect(token === null ? null : decodeJwt(token).sub).toBe(mayPlay ? uid : null)
    }
  }
})

it.each([
  PLAYBACK,
  VIDEO,
  'query ($uid: ID!) { playback(uid: $uid, ttlSeconds: 1) { token } }',
  'query ($uid: ID!) { playback(uid: $uid) { thumbnailURL(width: 0) } }',
  'query ($uid: ID!, $ttl: Int) { playback(uid: $uid, ttlSeconds: $ttl) { token expiresAt } }',
])('gets equal responses from both paths: %s', async (query) => {
  const { setup, videos } = await start()
  const [{ uid, creator } = { uid: '', creator: '' }] = videos
  for (const headers of [await authorizationOf(creator), await authorizationOf('nobody')]) {
    const response = await expectSameResponse(setup, {
      query,
      variables: { uid, ttl: 60 },
      headers,
    })
    expect(response.status).toBe(200)
  }
})

it('limits the playback tokens of one operation', async () => {
  const { setup, videos } = await start()
  const headers = await authorizationOf('root', 'uploads:admin')
  const fields = Array.from(
    { length: 10 },
    (_, at) => `a${at}: playback(ttlSeconds: ${60 + at}) { token }`,
  )
  const query = `{ uploads(filter: { status: READY }) { nodes { video { ${fields.join(' ')} } } } }`
  const { text } = await expectSameResponse(setup, { query, headers })
  expect(videos.length * fields.length).toBeGreaterThan(100)
  expect(text.match(/"token":"eyJ/g)).toHaveLength(100)
  expect(text.match(/"code":"RESULT_TOO_LARGE"/g)).toHaveLength(1)
})

it('shares a subscription only among callers who may play the video', async () => {
  const { setup, videos } = await start()
  const [{ uid, creator } = { uid: '', creator: '' }] = videos
  const owner = await authorizationOf(creator)
  const others = [await authorizationOf('bob', 'videos:play'), await authorizationOf('bob')]
  const admin = await authorizationOf('root', 'uploads:admin')
  const query =
    'subscription ($uid: ID!) { uploadStatus(uid: $uid) { uid video { playback { token } } } }'
  const bodyFor = (watched: string) => JSON.stringify({ query, variables: { uid: watched } })
  await warmUp(setup, bodyFor((await createTestUpload(setup, owner)).uid), owner)
  for (const headers of [...others, admin])
    await sendOperation(setup.fallback, { query: '{ __typename }', headers })
  const streams = [owner, admin, ...others].map((headers) =>
    openEventStream(setup.fast, bodyFor(uid), headers),
  )
  await until(() => streams.every(({ results }) => results.length === 1))
  const texts = streams.map(({ results }) => results.join())
  expect(texts.map((text) => text.includes('"token":"eyJ'))).toEqual([true, true, false, false])
  expect(texts.slice(2).every((text) => text.includes('UPLOAD_NOT_FOUND'))).toBe(true)
  expect(setup.joinedSubscriptions()).toBeGreaterThanOrEqual(2)
})

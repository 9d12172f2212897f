/** Listing, updating and deleting videos. */
import { describe, expect, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { testcardFile, textFile } from '../kit/media.ts'
import { createStreamClient } from './kit/stream-client.ts'

async function startWithVideos() {
  const emulator = await startTestEmulator({ encodeMs: 0 })
  const stream = createStreamClient(emulator)
  const minted = []
  for (const [name, creator] of [
    ['Alpha', 'ada'],
    ['Beta', 'ada'],
    ['alphabet', 'bo'],
    ['Delta', undefined],
  ]) {
    minted.push(await stream.mintBasic({ maxDurationSeconds: 60, meta: { name }, creator }))
  }
  const [first, second] = minted
  await stream.sendFile(first?.uploadURL ?? '', testcardFile())
  await stream.sendFile(second?.uploadURL ?? '', textFile())
  const names = async (query: string) =>
    (await stream.list(query)).map((video) => video.meta['name'])
  return { emulator, stream, names, uids: minted.map((video) => video.uid) }
}

describe('the list', () => {
  test.each([
    ['', ['Delta', 'alphabet', 'Beta', 'Alpha']],
    ['?asc=true', ['Alpha', 'Beta', 'alphabet', 'Delta']],
    ['?limit=2', ['Delta', 'alphabet']],
    ['?creator=ada', ['Beta', 'Alpha']],
    ['?status=ready', ['Alpha']],
    ['?status=ready,error', ['Beta', 'Alpha']],
    ['?status=pendingupload', ['Delta', 'alphabet']],
    ['?status=live-inprogress', []],
    ['?name=Alpha', ['Alpha']],
    ['?video_name=Alpha', ['Alpha']],
    ['?search=alpha', ['alphabet', 'Alpha']],
    ['?creator=ada&status=error', ['Beta']],
    ['?type=live', []],
    ['?type=vod', ['Delta', 'alphabet', 'Beta', 'Alpha']],
    ['?after=2999-01-01T00:00:00Z', []],
    ['?before=2000-01-01T00:00:00Z', []],
  ])('%s', async (query, expected) => {
    const { names } = await startWithVideos()
    expect(await names(query)).toEqual(expected)
  })

  test('returns several videos by id in one request', async () => {
    const { names, uids } = await startWithVideos()
    expect(await names(`?id=${uids[0]}`)).toEqual(['Alpha'])
    expect(await names(`?id=${uids[0]},${uids[3]},${'0'.repeat(32)}`)).toEqual(['Delta', 'Alpha'])
  })

  test('returns counts as strings, also of videos beyond the limit', async () => {
    const { stream } = await startWithVideos()
    const { envelope } = await stream.call('GET', '?include_counts=true&limit=1&creator=ada')
    expect(envelope).toMatchObject({ total: '2', range: '1', success: true })
    expect((await stream.call('GET', '?limit=1')).envelope).not.toHaveProperty('total')
  })

  test.each([
    ['', '4', '1'],
    ['&status=pendingupload', '2', '1'],
    ['&status=ready,error', '2', '1'],
    ['&status=pendingupload,ready', '3', '1'],
    ['&search=alpha', '2', '1'],
    ['&creator=nobody', '0', '0'],
    ['&type=live', '0', '0'],
  ])(
    '?include_counts=true&limit=1%s counts %s in total and %s in range',
    async (filter, total, range) => {
      const { stream } = await startWithVideos()
      const { envelope } = await stream.call('GET', `?include_counts=true&limit=1${filter}`)
      expect(envelope).toMatchObject({ total, range })
    },
  )

  test.each([['start'], ['after']])('pages by `created` with %s, oldest first', async (key) => {
    const { stream } = await startWithVideos()
    const [first, second] = await stream.list('?asc=true&limit=2')
    const next = await stream.list(`?asc=true&limit=2&${key}=${second?.created}`)
    expect(next[0]?.uid).toBe(second?.uid)
    const before = await stream.list(`?asc=true&before=${second?.created}`)
    expect(before.map((video) => video.uid)).toEqual([first?.uid])
    expect(await stream.list(`?end=${second?.created}`)).toHaveLength(1)
  })

  test.each([
    ['limit=0'],
    ['limit=1001'],
    ['limit=x'],
    ['after=x'],
    ['status=x'],
    ['asc=x'],
    ['type=x'],
  ])('responds with 400 to ?%s', async (query) => {
    const { stream } = await startWithVideos()
    expect(await stream.call('GET', `?${query}`)).toMatchObject({ status: 400, code: 10_005 })
  })
})

describe('an update', () => {
  test('changes only the fields in the request', async () => {
    const { stream, uids } = await startWithVideos()
    const [ready = ''] = uids
    const before = await stream.details(ready)
    const response = await stream.call('POST', `/${ready}`, {
      uid: ready,
      creator: 'cy',
      meta: { name: 'Renamed', more: { deep: true } },
      allowedOrigins: ['example.com'],
      thumbnailTimestampPct: 1,
      publicDetails: { title: 'A title' },
      scheduledDeletion: null,
    })
    expect(response.status).toBe(200)
    expect(response.result).toEqual(await stream.details(ready))
    expect(response.result).toMatchObject({
      ...before,
      creator: 'cy',
      meta: { name: 'Renamed', more: { deep: true } },
      allowedOrigins: ['example.com'],
      thumbnailTimestampPct: 1,
      publicDetails: { title: 'A title', logo: null },
      modified: expect.any(String),
    })
  })

  test('changes maxDurationSeconds and uploadExpiry before the upload is received only', async () => {
    const { emulator, stream, uids } = await startWithVideos()
    const [ready = '', , pending = ''] = uids
    const uploadExpiry = new Date(Date.now() + 5 * 3_600_000).toISOString()
    const change = { maxDurationSeconds: 120, uploadExpiry }
    expect((await stream.call('POST', `/${pending}`, change)).status).toBe(200)
    await emulator.advanceClock(3600)
    const { videos } = await emulator.state()
    expect(videos.find((video) => video.uid === pending)).toMatchObject({
      reservedSeconds: 120,
      expired: false,
      uploadExpiry,
    })
    expect((await stream.call('POST', `/${ready}`, change)).status).toBe(400)
  })

  test.each([
    ['an invalid maxDurationSeconds', { maxDurationSeconds: 0 }],
    ['another uid', { uid: 'x' }],
    ['invalid origins', { allowedOrigins: ['http://a'] }],
    ['meta that is a string', { meta: 'x' }],
  ])('with %s responds with 400', async (_name, body) => {
    const { stream, uids } = await startWithVideos()
    const response = await stream.call('POST', `/${uids[3]}`, body)
    expect(response).toMatchObject({ status: 400, code: 10_005 })
  })

  test('of an unknown video responds with 404', async () => {
    const { stream } = await startWithVideos()
    expect(await stream.call('POST', '/unknown', {})).toMatchObject({ status: 404, code: 10_003 })
  })
})

describe('a deletion', () => {
  test('responds with 200 and no body, and with 404 the second time', async () => {
    const { emulator, stream, uids } = await startWithVideos()
    const first = await stream.raw('DELETE', `/${uids[0]}`)
    expect([first.status, await first.text()]).toEqual([200, ''])
    expect(await stream.call('DELETE', `/${uids[0]}`)).toMatchObject({ status: 404, code: 10_003 })
    expect(await stream.call('GET', `/${uids[0]}`)).toMatchObject({ status: 404, code: 10_003 })
    expect((await fetch(`${emulator.url}/${uids[0]}/watch`)).status).toBe(404)
  })

  test('happens at scheduledDeletion', async () => {
    const emulator = await startTestEmulator()
    const stream = createStreamClient(emulator)
    const scheduledDeletion = new Date(Date.now() + 31 * 86_400_000).toISOString()
    const { uid } = await stream.mintBasic({ maxDurationSeconds: 60, scheduledDeletion })
    await emulator.advanceClock(30 * 86_400)
    expect((await stream.call('GET', `/${uid}`)).status).toBe(200)
    await emulator.advanceClock(2 * 86_400)
    expect((await stream.call('GET', `/${uid}`)).status).toBe(404)
  })
})

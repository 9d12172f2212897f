/** The control API: planned faults, the clock, the state and the reset. */
import { describe, expect, test } from 'vitest'

import { startTestEmulator, type PlannedFault } from '../kit/emulator.ts'
import { testcardFile } from '../kit/media.ts'
import { createStreamClient } from './kit/stream-client.ts'
import { head, patch } from './kit/tus-client.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

async function startWithCalls() {
  const emulator = await startTestEmulator()
  const stream = createStreamClient(emulator)
  const basic = await stream.mintBasic({ maxDurationSeconds: 60 })
  const tus = await stream.mintTus(1000)
  const calls: Readonly<Record<string, () => Promise<Response>>> = {
    direct_upload: () =>
      stream.raw('POST', '/direct_upload', { body: '{"maxDurationSeconds":60}' }),
    tus_create: () => stream.mintTusRaw(1000),
    details: () => stream.raw('GET', `/${basic.uid}`),
    list: () => stream.raw('GET', ''),
    update: () => stream.raw('POST', `/${basic.uid}`, { body: '{"meta":{"a":1}}' }),
    delete: () => stream.raw('DELETE', `/${basic.uid}`),
    storage_usage: () => stream.raw('GET', '/storage-usage'),
    upload: () => stream.sendFile(basic.uploadURL, testcardFile()),
    tus_patch: () => patch(tus.uploadURL, 0, new Uint8Array(1000)),
    tus_head: () => head(tus.uploadURL),
  }
  const call = (name: string) => {
    const send = calls[name]
    if (send === undefined) throw new Error(name)
    return send()
  }
  return { emulator, stream, basic, tus, call }
}

const OPERATIONS = [
  ['direct_upload'],
  ['tus_create'],
  ['details'],
  ['list'],
  ['update'],
  ['delete'],
  ['storage_usage'],
  ['upload'],
  ['tus_patch'],
  ['tus_head'],
]

describe('faults', () => {
  test.each(OPERATIONS)(
    '%s fails `times` times without side effects, then succeeds',
    async (on) => {
      const { emulator, call } = await startWithCalls()
      const before = await emulator.state()
      await emulator.fault({ on, times: 2, status: 503, retryAfterSeconds: 7 })
      for (let time = 0; time < 2; time += 1) {
        const response = await call(on)
        expect(response.status).toBe(503)
        expect(response.headers.get('retry-after')).toBe('7')
      }
      const after = await emulator.state()
      expect(after.videos).toEqual(before.videos)
      expect((await call(on)).ok).toBe(true)
      expect((await emulator.state()).requests[on]).toBe((before.requests[on] ?? 0) + 3)
    },
  )

  test.each(OPERATIONS)('hangUp closes the connection of %s', async (on) => {
    const { emulator, call } = await startWithCalls()
    await emulator.fault({ on, hangUp: true })
    await expect(call(on)).rejects.toThrow('fetch failed')
    expect((await call(on)).ok).toBe(true)
  })

  test('hangUpAfter closes the connection after the operation', async () => {
    const { emulator, stream, call } = await startWithCalls()
    await emulator.fault({ on: 'direct_upload', hangUpAfter: true })
    await expect(call('direct_upload')).rejects.toThrow('fetch failed')
    expect((await emulator.state()).videos).toHaveLength(3)
    for (const on of ['tus_patch', 'upload']) {
      await emulator.fault({ on, hangUpAfter: true })
      await expect(call(on)).rejects.toThrow('fetch failed')
    }
    expect(await stream.list('?status=pendingupload')).toHaveLength(1)
    await emulator.fault({ on: 'delete', hangUpAfter: true })
    await expect(call('delete')).rejects.toThrow('fetch failed')
    expect((await call('delete')).status).toBe(404)
  })

  test('delayMs delays the response', async () => {
    const { emulator, call } = await startWithCalls()
    await emulator.fault({ on: 'list', delayMs: 60 })
    const start = performance.now()
    expect((await call('list')).status).toBe(200)
    expect(performance.now() - start).toBeGreaterThan(55)
  })

  test('on upload apply to tus chunks too', async () => {
    const { emulator, call } = await startWithCalls()
    await emulator.fault({ on: 'upload', status: 500 })
    expect((await call('tus_patch')).status).toBe(500)
    expect((await call('upload')).status).toBe(200)
  })

  test('with status 413 return the code of exhausted storage', async () => {
    const { emulator, stream } = await startWithCalls()
    await emulator.fault({ on: 'direct_upload', status: 413 })
    const response = await stream.call('POST', '/direct_upload', {})
    expect(response).toMatchObject({ status: 413, code: 10_011 })
  })

  test('are listed in the state and can be cleared', async () => {
    const { emulator, call } = await startWithCalls()
    await emulator.fault({ on: 'list', times: 5, status: 500 })
    expect((await emulator.state()).faults).toEqual([{ on: 'list', times: 5, status: 500 }])
    await emulator.clearFaults()
    expect((await call('list')).status).toBe(200)
  })

  test.each<[string, unknown]>([
    ['no body', undefined],
    ['an unknown operation', { on: 'everything', status: 503 }],
    ['no effect', { on: 'list' } satisfies PlannedFault],
    ['a status that is not an error', { on: 'list', status: 200 }],
    ['a negative delay', { on: 'list', delayMs: -1 }],
    ['times 0', { on: 'list', status: 500, times: 0 }],
    ['drop on another operation than webhook', { on: 'list', drop: true }],
    ['an unknown field', { on: 'list', status: 500, often: true }],
  ])('with %s are rejected with the expected format', async (_name, body) => {
    const emulator = await startTestEmulator()
    const response = await fetch(`${emulator.url}/__emulator/faults`, {
      method: 'POST',
      ...(body === undefined ? {} : { headers: JSON_TYPE, body: JSON.stringify(body) }),
    })
    expect(response.status).toBe(400)
    expect(await response.text()).toContain('Expected: ')
    expect((await emulator.state()).faults).toEqual([])
  })
})

describe('the clock', () => {
  test('returns the seconds it is ahead', async () => {
    const emulator = await startTestEmulator()
    await emulator.advanceClock(3600)
    await emulator.advanceClock(0.5)
    expect((await emulator.state()).clock.advancedSeconds).toBe(3600.5)
  })

  test.each([[{}], [{ advanceSeconds: -1 }], [{ advanceSeconds: 'x' }]])(
    'rejects %o',
    async (body) => {
      const emulator = await startTestEmulator()
      const response = await fetch(`${emulator.url}/__emulator/clock`, {
        method: 'POST',
        headers: JSON_TYPE,
        body: JSON.stringify(body),
      })
      expect(response.status).toBe(400)
      expect(await response.text()).toContain('advanceSeconds')
    },
  )
})

test('the state lists the received bytes of each video, also during an upload', async () => {
  const emulator = await startTestEmulator()
  const stream = createStreamClient(emulator)
  const metadata = { maxDurationSeconds: '90', name: 'x' }
  const { uid, uploadURL } = await stream.mintTus(6_000_000, metadata, { 'upload-creator': 'ada' })
  await patch(uploadURL, 0, new Uint8Array(5_242_880))
  expect((await emulator.state()).videos).toMatchObject([
    {
      uid,
      kind: 'tus',
      state: 'pendingupload',
      receivedBytes: 5_242_880,
      uploadLength: 6_000_000,
      meta: { name: 'x' },
      creator: 'ada',
      reservedSeconds: 90,
    },
  ])
})

test('reset deletes everything except the webhook', async () => {
  const { emulator, stream, basic, call } = await startWithCalls()
  await stream.putWebhook('http://127.0.0.1:9/')
  await call('upload')
  await emulator.fault({ on: 'list', status: 500 })
  await emulator.advanceClock(100)
  await emulator.reset()
  expect(await emulator.state()).toMatchObject({
    videos: [],
    reservedSeconds: 0,
    storedSeconds: 0,
    faults: [],
    webhooks: [],
    requests: { upload: 0, direct_upload: 0 },
    clock: { advancedSeconds: 0 },
  })
  expect((await stream.sendFile(basic.uploadURL, testcardFile())).status).toBe(404)
  expect((await stream.call('GET', '/webhook')).status).toBe(200)
  await fetch(`${emulator.url}/__emulator/reset`, {
    method: 'POST',
    headers: JSON_TYPE,
    body: '{"webhook":true}',
  })
  expect((await stream.call('GET', '/webhook')).status).toBe(404)
})

test('unknown paths respond with 404 and list the known ones', async () => {
  const emulator = await startTestEmulator()
  const response = await fetch(`${emulator.url}/__emulator/speed`)
  expect(response.status).toBe(404)
  expect(await response.text()).toContain('/__emulator/clock')
})

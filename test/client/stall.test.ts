/** A request that moves no byte is cut and resumed; a slow one is not. Time passes by the test clock. */
import { describe, expect, it, onTestFinished } from 'vitest'
import type { UploadOptions } from '../../src/client/client.ts'
import { startTestGateway } from '../kit/gateway.ts'
import { paddedTestcard } from '../kit/media.ts'
import { clientOf } from './kit.ts'
import { startLine } from './line.ts'

const MEBIBYTE = 1_048_576
/** More than the buffers of a connection hold. */
const file = paddedTestcard(20 * MEBIBYTE)
const oneChunk: UploadOptions = { protocol: 'TUS', chunkSizeBytes: 20 * MEBIBYTE }

/**
 * Starts a gateway whose clock runs fast while a request stalls.
 * @param stalledSeconds seconds that pass in 5 milliseconds
 */
async function start(stalledSeconds = 1) {
  const gateway = await startTestGateway()
  const { clock } = gateway
  let cutAt: Date | null = null
  let isStalled = false
  const cut = new AbortController()
  const timer = setInterval(() => {
    if (isStalled && cutAt === null) clock.advance(stalledSeconds)
  }, 5)
  onTestFinished(() => clearInterval(timer))
  return {
    gateway,
    /** Ends when the client cuts the request. */
    stall: () =>
      new Promise<void>((resolve) => {
        isStalled = true
        cut.signal.addEventListener('abort', () => resolve())
      }),
    onCut: () => {
      if (isStalled) cutAt ??= clock.now()
      if (isStalled) cut.abort()
    },
    isCut: () => cutAt !== null,
    secondsUntilCut: (since: Date) => (Number(cutAt) - since.getTime()) / 1000,
  }
}

describe.each<[string, UploadOptions]>([
  ['PATCH', oneChunk],
  ['POST', { protocol: 'BASIC' }],
])('a %s', { timeout: 60_000 }, (_method, options) => {
  it('that stalls in the middle of its body is cut after 30 seconds and sent again', async () => {
    const { gateway, stall, isCut, onCut, secondsUntilCut } = await start()
    const fetch = await startLine(gateway.emulator.url, {
      beforeSending: async (sentBytes) => {
        if (sentBytes > 2 * MEBIBYTE && !isCut()) await stall()
      },
      onCut,
    })
    let sentBytes = 0
    let movedAt = gateway.clock.now()
    const upload = clientOf(gateway, { fetch }).upload(file, {
      ...options,
      onProgress: (progress) => {
        if (isCut() || progress.sentBytes === sentBytes) return
        ;({ sentBytes } = progress)
        movedAt = gateway.clock.now()
      },
    })
    expect(await upload).toMatchObject({ status: 'READY' })
    expect(sentBytes).toBeGreaterThan(MEBIBYTE)
    expect(secondsUntilCut(movedAt)).toBeGreaterThan(29.9)
    expect(secondsUntilCut(movedAt)).toBeLessThan(33)
  })

  it('is not cut on a line whose bytes move every 25 seconds', async () => {
    const { gateway } = await start()
    let handedOver = 0
    let atLastStep = 0
    let steps = 0
    const fetch = await startLine(gateway.emulator.url, {
      beforeSending: async (sentBytes) => {
        if (sentBytes < (steps + 1) * 4 * MEBIBYTE) return
        steps += 1
        await expect.poll(() => handedOver > atLastStep || handedOver === file.size).toBe(true)
        atLastStep = handedOver
        gateway.clock.advance(25)
      },
    })
    const upload = clientOf(gateway, { fetch }).upload(file, {
      ...options,
      onProgress: ({ sentBytes }) => {
        handedOver = Math.max(handedOver, sentBytes)
      },
    })
    expect(await upload).toMatchObject({ status: 'READY' })
    expect(steps).toBeGreaterThanOrEqual(4)
    const { requests } = await gateway.emulator.state()
    expect(Number(requests['tus_patch']) + Number(requests['upload'])).toBe(1)
  })
})

it('a response is waited for as long as buffered bytes may take, then the offset is read', async () => {
  const { gateway, stall, isCut, onCut, secondsUntilCut } = await start(10)
  let sentAt = gateway.clock.now()
  const fetch = await startLine(gateway.emulator.url, {
    beforeResponding: async (sentBytes) => {
      if (sentBytes < file.size || isCut()) return
      sentAt = gateway.clock.now()
      await stall()
    },
    onCut,
  })
  // Without the subscription, which tells that Stream has the file.
  const withoutEvents: typeof fetch = async (input, init) =>
    !isCut() && new Headers(init?.headers).get('accept') === 'text/event-stream'
      ? Response.json({}, { status: 503 })
      : fetch(input, init)
  const upload = clientOf(gateway, { fetch: withoutEvents }).upload(file, oneChunk)
  expect(await upload).toMatchObject({ status: 'READY' })
  // 60 seconds, and 8 MiB at 128 kbit/s.
  expect(secondsUntilCut(sentAt)).toBeGreaterThan(583)
  expect(secondsUntilCut(sentAt)).toBeLessThan(610)
  const { requests } = await gateway.emulator.state()
  expect(requests).toMatchObject({ tus_patch: 1 })
})

it('the last chunk is sent once when the webhook comes before its response', async () => {
  const { gateway } = await start()
  const methods: string[] = []
  const fetch = await startLine(gateway.emulator.url, {
    beforeResponding: async (sentBytes) => {
      if (sentBytes < file.size) return
      // The response comes when the video is READY.
      await expect
        .poll(async () => (await gateway.emulator.state()).videos.map(({ state }) => state))
        .toEqual(['ready'])
    },
  })
  const counting: typeof fetch = (input, init) => {
    methods.push(init?.method ?? '')
    return fetch(input, init)
  }
  const upload = clientOf(gateway, { fetch: counting }).upload(file, {
    protocol: 'TUS',
    chunkSizeBytes: 10 * MEBIBYTE,
  })
  expect(await upload).toMatchObject({ status: 'READY' })
  expect(methods.filter((method) => method === 'PATCH')).toHaveLength(2)
  expect((await gateway.emulator.state()).requests).toMatchObject({ tus_patch: 2 })
})

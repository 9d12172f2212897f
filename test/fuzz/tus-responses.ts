/** Generated responses of an upload host, and what must hold for a client that gets them. */
import * as fc from 'fast-check'
import { UploadError, createMemoryStorage, createUploadClient } from '../../src/client/client.ts'
import {
  type HostState,
  type TusHost,
  type TusReply,
  createImpatientClock,
  startTusHost,
} from '../client/tus-host.ts'

/** Time in which an upload of a few bytes must settle, in milliseconds. */
const END_MS = 10_000

/** A value of Upload-Offset or Upload-Length; null for the correct one. */
type HeaderValue = (correct: number) => string | null | undefined

const headerValue: fc.Arbitrary<HeaderValue> = fc.oneof(
  { weight: 8, arbitrary: fc.constant(() => null) },
  { weight: 1, arbitrary: fc.constant(() => undefined) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<HeaderValue>(
      (correct) => String(correct * 2),
      (correct) => String(Math.floor(correct / 2)),
      (correct) => String(correct - 1),
      (correct) => String(correct + 1),
      (correct) => `0x${correct.toString(16)}`,
      (correct) => `${correct}.0`,
      (correct) => `${correct}e0`,
      (correct) => `+${correct}`,
      (correct) => `${correct}, ${correct}`,
      (correct) => `${correct} bytes`,
      (correct) => `${'0'.repeat(20)}${correct}`,
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('', '0', '-1', 'NaN', 'Infinity', '0x500000', '1e3', 'null', '9'.repeat(16))
      .map((text) => () => text),
  },
  { weight: 1, arbitrary: fc.nat(400).map((bytes) => () => String(bytes)) },
)

const status = fc.oneof(
  { weight: 6, arbitrary: fc.constant(null) },
  { weight: 2, arbitrary: fc.constantFrom(200, 201, 204, 206, 301, 302, 303, 304, 307, 308) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      400,
      401,
      403,
      404,
      408,
      409,
      410,
      412,
      413,
      415,
      423,
      425,
      429,
      460,
    ),
  },
  { weight: 2, arbitrary: fc.constantFrom(500, 501, 502, 503, 504, 507, 599) },
)

const reply = fc.record({
  status,
  offset: headerValue,
  length: headerValue,
  storeBytes: fc.option(fc.nat(50), { freq: 2 }),
  cut: fc.oneof(
    { weight: 8, arbitrary: fc.constant(null) },
    { weight: 2, arbitrary: fc.constantFrom('response', 'body') },
  ),
})

type Reply = typeof reply extends fc.Arbitrary<infer T> ? T : never

/** A file, the settings of its upload, and the responses that it gets. */
const responses = fc.record({
  fileBytes: fc.integer({ min: 1, max: 200 }),
  chunkBytes: fc.oneof(fc.integer({ min: 20, max: 250 }), fc.constant(0)),
  retries: fc.nat(3),
  replies: fc.array(fc.option(reply, { freq: 3 }), { minLength: 1, maxLength: 12 }),
  /** Whether the replies repeat without end; otherwise correct responses follow. */
  repeats: fc.boolean(),
})

/**
 * A client must trust a valid tus response that confirms the whole file. Such a response is generated only
 * with the correct value.
 */
function replyOf(
  { status: replaced, offset, length, storeBytes, cut }: Reply,
  { storedBytes, fileBytes }: HostState,
): TusReply {
  const lie = offset(storedBytes)
  const isBelievable = lie !== undefined && lie !== null && Number(lie) === fileBytes
  const headers = {
    ...(lie === null || isBelievable ? {} : { 'upload-offset': lie }),
    ...withLength(length(fileBytes)),
    ...(replaced !== null && replaced >= 300 && replaced < 400 ? { location: '/portal' } : {}),
  }
  return {
    headers,
    ...(replaced === null ? {} : { status: replaced }),
    ...(storeBytes === null ? {} : { storeBytes }),
    ...(cut === null ? {} : { cut }),
  }
}

function withLength(value: string | null | undefined) {
  return value === null ? {} : { 'upload-length': value }
}

/** Counts of a run, so that a reader sees that the responses reach all outcomes. */
export type Outcomes = Map<string, number>

/**
 * Uploads files to a host with generated responses. Throws with the smallest responses after which an
 * upload does not end, claims bytes that the host does not hold, or sends more than twice the file.
 */
export async function runTusResponses(seed: number, runs: number): Promise<Outcomes> {
  const outcomes: Outcomes = new Map()
  const host = await startTusHost(() => null, 1)
  try {
    await fc.assert(
      fc.asyncProperty(responses, async (input) => {
        const outcome = await uploadOnce(host, input)
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      }),
      { seed, numRuns: runs },
    )
  } finally {
    await host.stop()
  }
  return outcomes
}

/** Returns READY or the code of the error. */
async function uploadOnce(
  host: TusHost,
  input: typeof responses extends fc.Arbitrary<infer T> ? T : never,
): Promise<string> {
  const { fileBytes, chunkBytes, retries, replies, repeats } = input
  host.reset((_request, index) => {
    const next = repeats ? replies[index % replies.length] : replies[index]
    return next === undefined || next === null ? null : (state) => replyOf(next, state)
  }, chunkBytes)

  const violations: string[] = []
  const check = (claim: string): void => {
    if (host.storedBytes < fileBytes) {
      violations.push(`${claim}, but the host holds ${host.storedBytes} of ${fileBytes} bytes`)
    }
  }
  const memory = createMemoryStorage()
  const storage = {
    ...memory,
    setItem(key: string, value: string) {
      if (value.includes('"isSent":true')) check('isSent is stored')
      return memory.setItem(key, value)
    },
  }
  const client = createUploadClient({
    url: host.url,
    storage,
    retries,
    clock: createImpatientClock(),
  })
  const stopped = new AbortController()
  const upload = client.upload(new Uint8Array(fileBytes).fill(7), {
    protocol: 'TUS',
    signal: stopped.signal,
    onProgress({ phase, sentBytes }) {
      if (phase === 'processing' || phase === 'ready') check(`the phase is ${phase}`)
      if (sentBytes > fileBytes) violations.push(`${sentBytes} of ${fileBytes} bytes are sent`)
    },
  })
  const timer = setTimeout(() => stopped.abort(new Error('the upload did not end')), END_MS)
  const outcome = await upload.then(
    () => 'READY',
    (error: unknown) => (error instanceof UploadError ? error.code : String(error)),
  )
  clearTimeout(timer)
  if (outcome === 'READY') check('the upload is READY')
  if (outcome.includes(' ')) violations.push(outcome)
  if (host.receivedBytes > 2 * fileBytes) {
    violations.push(`the host received ${host.receivedBytes} bytes of ${fileBytes}`)
  }
  if (violations.length > 0) throw new Error(violations.join('; '))
  return outcome
}

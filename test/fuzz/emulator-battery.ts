/** Sends hostile media files, forms and chunks to an emulator, with valid uploads in between. */
import { request } from 'node:http'
import * as fc from 'fast-check'
import { createStreamClient, type StreamClient } from '../emulator/kit/stream-client.ts'
import { testcardFile } from '../kit/media.ts'
import { type Row, megabytes, print, seconds } from '../chaos/report.ts'
import { type EmulatorMemory, startEmulatorProcess } from './emulator-process.ts'
import { type BodyInput, formInputs, tusInputs } from './form-inputs.ts'
import { type MediaInput, mediaInputs, writeBaseFiles } from './media-inputs.ts'

export interface EmulatorBatteryOptions {
  readonly seed: number
  readonly inputs: number
}

export interface EmulatorBatteryOutcome {
  readonly options: EmulatorBatteryOptions
  /** Number of inputs by kind and status, or by the state of the video. */
  readonly counts: ReadonlyMap<string, number>
  readonly violations: readonly string[]
  readonly validUploads: number
  readonly slowestMs: number
  readonly before: EmulatorMemory
  readonly after: EmulatorMemory
  readonly durationMs: number
}

/** Number of concurrent senders. */
const CONCURRENCY = 8
/** Each sender makes a valid upload after this number of inputs. */
const VALID_UPLOAD_EVERY = 25
/** The first part fills caches; memory growth is measured after it. */
const WARM_UP_SHARE = 0.2
/** Response timeout; several inputs wait for one media reader. */
const RESPONSE_TIMEOUT_MS = 60_000

export async function runEmulatorBattery(
  options: EmulatorBatteryOptions,
): Promise<EmulatorBatteryOutcome> {
  const startedAt = performance.now()
  const emulator = await startEmulatorProcess()
  const stream = createStreamClient(emulator)
  const arbitrary = fc.oneof(
    { weight: 5, arbitrary: mediaInputs(await writeBaseFiles()) },
    { weight: 4, arbitrary: formInputs },
    { weight: 1, arbitrary: tusInputs },
  )
  const counts = new Map<string, number>()
  const violations: string[] = []
  let validUploads = 0
  let slowestMs = 0
  let draws = 0

  async function sendInput(input: MediaInput | BodyInput): Promise<void> {
    const start = performance.now()
    const outcome = await (input.kind === 'media'
      ? sendMedia(stream, input)
      : sendBody(stream, input))
    slowestMs = Math.max(slowestMs, performance.now() - start)
    const key = `${input.kind} ${outcome}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
    if (!/^(?:[24]\d\d|ready|error|closed)$/.test(outcome)) {
      violations.push(`${key}: ${describe(input)}`)
    }
  }

  async function sendValid(): Promise<void> {
    const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
    const { status } = await stream.sendFile(uploadURL, testcardFile())
    const { state } = (await stream.details(uid)).status
    validUploads += 1
    if (status !== 200 || state !== 'ready') {
      violations.push(`A valid upload got status ${status}, and its video is ${state}`)
    }
    await stream.call('DELETE', `/${uid}`)
  }

  async function send(count: number): Promise<void> {
    draws += 1
    const queue = fc
      .sample(arbitrary, { numRuns: count, seed: options.seed + draws * 7919 })
      .values()
    const sender = async () => {
      let sent = 0
      for (const input of queue) {
        if (!emulator.isRunning()) return
        await sendInput(input).catch((error: unknown) => {
          violations.push(`${String(error)}: ${describe(input)}`)
        })
        sent += 1
        if (sent % VALID_UPLOAD_EVERY === 0) await sendValid()
      }
    }
    await Promise.all(Array.from({ length: CONCURRENCY }, sender))
  }

  try {
    await send(Math.round(options.inputs * WARM_UP_SHARE))
    await sendValid()
    const before = await emulator.memory()
    for (let left = Math.round(options.inputs * (1 - WARM_UP_SHARE)); left > 0; left -= 500) {
      await send(Math.min(left, 500))
    }
    await sendValid()
    const after = await emulator.memory()
    violations.push(...emulator.failures)
    const durationMs = performance.now() - startedAt
    return { options, counts, violations, validUploads, slowestMs, before, after, durationMs }
  } catch (error) {
    throw new Error(`The emulator failed: ${emulator.failures.join('\n')}`, { cause: error })
  } finally {
    await emulator.end()
  }
}

/** Returns the final state of the video, or the status if the form was rejected. */
async function sendMedia(stream: StreamClient, { bytes }: MediaInput): Promise<string> {
  const { uid, uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
  const { status } = await stream.sendFile(uploadURL, new Blob([bytes]))
  const { state } = (await stream.details(uid)).status
  await stream.call('DELETE', `/${uid}`)
  return status === 200 ? state : String(status)
}

/** Returns the status, or `closed` if the client or the emulator closed the connection. */
async function sendBody(stream: StreamClient, input: BodyInput): Promise<string> {
  const { uid, uploadURL } =
    input.kind === 'form'
      ? await stream.mintBasic({ maxDurationSeconds: 60 })
      : await stream.mintTus(1000)
  const status = await new Promise<string>((resolve) => {
    const { body, closeAt, splitAt } = input
    const outgoing = request(uploadURL, {
      method: input.kind === 'form' ? 'POST' : 'PATCH',
      headers: {
        ...input.headers,
        ...(input.isChunked ? {} : { 'content-length': body.length }),
      },
      agent: false,
      timeout: RESPONSE_TIMEOUT_MS,
    })
    outgoing.on('timeout', () => {
      resolve('no response')
      outgoing.destroy()
    })
    outgoing.on('error', () => resolve('closed'))
    outgoing.on('response', (response) => {
      response.resume().on('close', () => resolve(String(response.statusCode)))
    })
    const sent = closeAt === null ? body : body.subarray(0, Math.floor(body.length * closeAt))
    const split = Math.floor(sent.length * splitAt)
    outgoing.write(sent.subarray(0, split))
    if (closeAt === null) outgoing.end(sent.subarray(split))
    else outgoing.write(sent.subarray(split), () => outgoing.destroy())
  })
  await stream.call('DELETE', `/${uid}`)
  return status
}

function describe(input: MediaInput | BodyInput): string {
  if (input.kind === 'media') return input.name
  const { headers, body, closeAt, splitAt } = input
  return JSON.stringify({ headers, body: body.toString('latin1').slice(0, 600), closeAt, splitAt })
}

/** Prints the results as a table. */
export function printEmulatorBattery(outcome: EmulatorBatteryOutcome): void {
  const { options, counts, violations, validUploads, slowestMs, before, after, durationMs } =
    outcome
  const sorted = [...counts].toSorted(([left], [right]) => (left < right ? -1 : 1))
  print(`Hostile uploads to the emulator with HEADGATE_FUZZ_SEED=${options.seed}`, [
    ['inputs', options.inputs],
    ...sorted.map(([what, times]): Row => [`  ${what}`, times]),
    ['valid uploads in between', validUploads],
    ['slowest input', `${slowestMs.toFixed(0)} ms`],
    ['heap after the warm-up / after all', `${mb(before.heapUsed)} / ${mb(after.heapUsed)}`],
    ['resident memory', `${megabytes(before.rss)} / ${megabytes(after.rss)}`],
    ['seconds in all', seconds(durationMs)],
    ['violations', violations.length],
    ...violations.slice(0, 30).map((violation): Row => ['  VIOLATION', violation]),
  ])
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

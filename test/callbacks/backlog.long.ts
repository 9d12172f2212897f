/** What a dead target costs, with 100,000 callbacks that wait for it, and how fast they are sent when it is back. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { type GatewayProcess, findFreePort, startGatewayProcess } from '../chaos/gateway-process.ts'
import { megabytes, print } from '../chaos/report.ts'
import { wholeNumberFrom } from '../chaos/seed.ts'
import { callbackVariables } from '../kit/callback-target.ts'
import { TEST_SECRET, callerOf, tokenFor } from '../kit/gateway.ts'
import { listen } from '../kit/listen.ts'
import { createDirectUpload, expectMinted } from '../kit/operations.ts'
import { fillOutbox } from './fill-outbox.ts'

const WAITING = wholeNumberFrom('HEADGATE_CALLBACKS_WAITING') ?? 100_000
const ROUNDS = 6
const MINTS_PER_ROUND = 200
const CALLERS = 32
const UNREACHED_LIMIT = '1000000000'

interface Target {
  readonly url: string
  /** Ids that were accepted. */
  readonly accepted: ReadonlySet<string>
  revive(): void
}

/** Cuts every connection until it is revived. */
async function startDeadTarget(): Promise<Target> {
  const accepted = new Set<string>()
  let isDead = true
  const server = createServer((request, response) => {
    if (isDead) {
      request.socket.destroy()
      return
    }
    request.resume().once('end', () => {
      accepted.add(String(request.headers['webhook-id']))
      response.writeHead(204).end()
    })
  })
  const { origin, close } = await listen(server, await findFreePort())
  onTestFinished(close)
  return {
    url: `${origin}/`,
    accepted,
    revive() {
      isDead = false
    },
  }
}

/** Starts a gateway with its own file and these variables. Returns it with the file. */
async function start(variables: Readonly<Record<string, string>>) {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-backlog-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const emulator = await startEmulator({
    directory: join(folder, 'emulator'),
    storageMinutes: 1_000_000_000,
    onError: () => undefined,
  })
  onTestFinished(() => Promise.race([emulator.close(), pause(2000)]))
  const file = join(folder, 'headgate.db')
  const gateway = await startGatewayProcess({
    port: await findFreePort(),
    pace: 1,
    variables: {
      CLOUDFLARE_ACCOUNT_ID: emulator.accountId,
      CLOUDFLARE_API_TOKEN: emulator.token,
      CLOUDFLARE_API_BASE_URL: emulator.apiBaseUrl,
      AUTH_JWT_SECRET: TEST_SECRET,
      DATABASE_URL: `file:${file}`,
      RATE_LIMIT_CREATES: UNREACHED_LIMIT,
      STREAM_API_BUDGET: UNREACHED_LIMIT,
      LOG_LEVEL: 'warn',
      ...variables,
    },
  })
  onTestFinished(() => gateway.end())
  return { gateway, file }
}

/** The gateway's processor time per mutation, and its mutations per second. */
interface Round {
  readonly processorMs: number
  readonly perSecond: number
}

async function mintRound(gateway: GatewayProcess, mints = MINTS_PER_ROUND): Promise<Round> {
  const caller = callerOf(`${gateway.url}/graphql`, await tokenFor('alice'))
  const [startedAt, processorMs] = [performance.now(), await gateway.processorMs()]
  let left = mints
  await Promise.all(
    Array.from({ length: CALLERS }, async () => {
      while (left > 0) {
        left -= 1
        expectMinted(await createDirectUpload(caller))
      }
    }),
  )
  return {
    processorMs: ((await gateway.processorMs()) - processorMs) / mints,
    perSecond: mints / ((performance.now() - startedAt) / 1000),
  }
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN

const ratioOf = ([withCallbacks, without]: readonly Round[]): number =>
  (withCallbacks?.processorMs ?? Number.NaN) / (without?.processorMs ?? Number.NaN)

const timesOf = (rounds: readonly Round[]): string =>
  rounds.map(({ processorMs }) => processorMs.toFixed(2)).join(' / ')

/** Mints at each gateway in turn, and returns the medians by gateway. */
async function compare(gateways: readonly GatewayProcess[]): Promise<readonly Round[]> {
  for (const gateway of gateways) await mintRound(gateway)
  const rounds = gateways.map((gateway) => {
    const results: Round[] = []
    return { gateway, results }
  })
  for (let round = 0; round < ROUNDS; round += 1) {
    const order = round % 2 === 0 ? rounds : rounds.toReversed()
    for (const { gateway, results } of order) results.push(await mintRound(gateway))
  }
  return rounds.map(({ results }) => ({
    processorMs: median(results.map((result) => result.processorMs)),
    perSecond: median(results.map((result) => result.perSecond)),
  }))
}

test(`${WAITING} callbacks that wait for a dead target slow nothing down, and are sent when it is back`, async () => {
  const target = await startDeadTarget()
  const other = await startDeadTarget()
  const full = await start(callbackVariables(target))
  const empty = await start(callbackVariables(other))
  const before = await full.gateway.residentBytes()
  fillOutbox(full.file, target.url, WAITING)
  const [withBacklog, without] = await compare([full.gateway, empty.gateway])
  if (withBacklog === undefined || without === undefined) throw new Error('Nothing was measured.')
  const waiting = await full.gateway.residentBytes()
  const emptyBytes = await empty.gateway.residentBytes()

  target.revive()
  while (target.accepted.size === 0) await pause(100)
  const [startedAt, first] = [performance.now(), target.accepted.size]
  let peak = waiting
  const processorMs = await full.gateway.processorMs()
  while (target.accepted.size < WAITING) {
    await pause(500)
    peak = Math.max(peak, await full.gateway.residentBytes())
  }
  const seconds = (performance.now() - startedAt) / 1000
  const perSecond = (target.accepted.size - first) / seconds
  const drainMs =
    ((await full.gateway.processorMs()) - processorMs) / (target.accepted.size - first)
  const ratios = {
    speed: withBacklog.perSecond / without.perSecond,
    processor: without.processorMs / withBacklog.processorMs,
  }
  print(`${WAITING} callbacks for a dead target`, [
    [
      'mutations per second, with / without them',
      `${withBacklog.perSecond.toFixed(0)} / ${without.perSecond.toFixed(0)}`,
    ],
    [
      'processor ms per mutation, with / without',
      `${withBacklog.processorMs.toFixed(2)} / ${without.processorMs.toFixed(2)}`,
    ],
    [
      'ratio by speed / by processor time',
      `${ratios.speed.toFixed(2)} / ${ratios.processor.toFixed(2)}`,
    ],
    [
      'memory before / with them / while they are sent',
      [before, waiting, peak].map(megabytes).join(' / '),
    ],
    ['memory of the gateway without them', megabytes(emptyBytes)],
    ['sent per second / processor ms for each', `${perSecond.toFixed(0)} / ${drainMs.toFixed(2)}`],
  ])
  expect(ratios.processor).toBeGreaterThan(0.95)
  expect(waiting - emptyBytes).toBeLessThan(50_000_000)
  expect(perSecond).toBeGreaterThan(500)
})

test('what callbacks add to the processor time of a creation', async () => {
  const target = await startDeadTarget()
  const on = await start(callbackVariables(target))
  const off = await start({})
  // The target is dead first: the gateway records callbacks, and hardly sends any.
  const recording = await compare([on.gateway, off.gateway])
  target.revive()
  const sending = await compare([on.gateway, off.gateway])
  print('Processor time of a creation with callbacks', [
    ['ms with / without, if they are recorded', timesOf(recording)],
    ['ratio', ratioOf(recording).toFixed(2)],
    ['ms with / without, if they are recorded and sent', timesOf(sending)],
    ['ratio', ratioOf(sending).toFixed(2)],
  ])
  expect(ratioOf(recording)).toBeLessThan(1.15)
})

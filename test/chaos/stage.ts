/** A gateway process and an emulator that outlives it, joined by a webhook. */
import { setMaxListeners } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { startEmulator } from '../../src/emulator/emulator.ts'
import { createRestBackend } from '../../src/stream/rest.ts'
import { type EmulatorKnobs, knobsOf } from '../kit/emulator.ts'
import { TEST_SECRET, tokenFor } from '../kit/gateway.ts'
import { type GatewayProcess, quietPort, startGatewayProcess } from './gateway-process.ts'
import { type Line, createLine } from './line.ts'

export interface Stage {
  readonly gateway: GatewayProcess
  readonly emulator: EmulatorKnobs & { readonly url: string }
  /** What Stream signs its notices with. */
  readonly webhookSecret: string
  /** Answers that no client should ever see. */
  readonly surprises: string[]
  /** A caller who asks until it is answered, or the patience of all is at an end. */
  as(subject: string): Promise<Line>
  readonly admin: Line
  end(): Promise<void>
}

export interface StageOptions {
  readonly encodeMs: number
  readonly pace: number
  /** Of creators; whoever keeps the books has a minute more. */
  readonly patienceMs: number
}

export async function setStage({ encodeMs, pace, patienceMs }: StageOptions): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-chaos-'))
  const emulator = await startEmulator({
    directory: join(folder, 'emulator'),
    storageMinutes: 1_000_000,
    encodeMs,
    onError: (error) => surprises.push(`the emulator failed: ${String(error)}`),
  })
  const surprises: string[] = []
  const port = await quietPort()
  const url = `http://127.0.0.1:${port}`
  const { secret } = await createRestBackend({
    accountId: emulator.accountId,
    apiToken: emulator.token,
    baseUrl: emulator.apiBaseUrl,
  }).setWebhook(`${url}/webhooks/stream`)

  const gateway = await startGatewayProcess({
    port,
    pace,
    variables: {
      CLOUDFLARE_ACCOUNT_ID: emulator.accountId,
      CLOUDFLARE_API_TOKEN: emulator.token,
      CLOUDFLARE_API_BASE_URL: emulator.apiBaseUrl,
      STREAM_WEBHOOK_SECRET: secret,
      AUTH_JWT_SECRET: TEST_SECRET,
      DATABASE_URL: `file:${join(folder, 'headgate.db')}`,
      RATE_LIMIT_CREATES: '100000',
      STREAM_API_BUDGET: '1200',
    },
  })
  const ofCreators = AbortSignal.timeout(patienceMs)
  // Who keeps the books must still be able to say what was lost.
  const ofAdmin = AbortSignal.timeout(patienceMs + 60_000)
  // Hundreds of requests wait on each: that is no leak.
  setMaxListeners(0, ofCreators, ofAdmin)
  const lineFor = (token: string, patience: AbortSignal): Line =>
    createLine({ url, token, surprises, patience })
  return {
    gateway,
    emulator: { url: emulator.url, ...knobsOf(emulator.url) },
    webhookSecret: secret,
    surprises,
    as: async (subject) => lineFor(await tokenFor(subject), ofCreators),
    admin: lineFor(await tokenFor('root', { scope: 'uploads:admin' }), ofAdmin),
    async end() {
      await gateway.end()
      // A request whose client was killed may never end: that is not what is tested here.
      await Promise.race([emulator.close(), pause(2000)])
      await rm(folder, { recursive: true, force: true })
    },
  }
}

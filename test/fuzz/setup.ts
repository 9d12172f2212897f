/** A gateway process with its emulator, and all that hostile inputs want to speak about. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { buildGateway } from '../chaos/gateway-process.ts'
import { type RetryingClient, createRetryingClient } from '../chaos/retrying-client.ts'
import { type EmulatorControlApi, controlApiOf } from '../kit/emulator.ts'
import { TEST_SECRET, tokenFor } from '../kit/gateway.ts'
import { type Scene, SUBJECTS, readWebhookSecret, writeTokens } from './fixtures.ts'
import type { MintingRules } from './created-uploads.ts'
import { type WatchedProcess, startWatchedProcess } from './instrumented-process.ts'

export interface Setup {
  readonly gateway: WatchedProcess
  readonly port: number
  readonly emulator: EmulatorControlApi
  readonly scene: Scene
  readonly rules: MintingRules
  /** Words that nobody may ever be told. */
  readonly secrets: readonly string[]
  /** Somebody who owns nothing and does no harm, by its Authorization header. */
  readonly honest: string
  /** An administrator, who has patience from now on. */
  admin(): Promise<RetryingClient>
  /** Answers to the administrator that nobody should ever see. */
  readonly unexpectedErrors: string[]
  end(): Promise<void>
}

/** Seconds; less than Stream itself allows, so that only the gateway can have kept it. */
const MAX_DURATION_SECONDS = 3600
/** Uploads to speak about, each time for keeping and for deleting. */
const UPLOADS = 4
const BACKOFF_MS = 20_000

/** `createsPerMinute` for each caller whose token is good. */
export async function setSetup(createsPerMinute: number): Promise<Setup> {
  await buildGateway()
  const folder = await mkdtemp(join(tmpdir(), 'headgate-hostile-'))
  const gateway = await startWatchedProcess({
    PORT: '0',
    EMULATOR_PORT: '0',
    EMULATOR_DIR: join(folder, 'emulator'),
    // Whatever is minted fits: that a full account refuses is tested elsewhere.
    EMULATOR_STORAGE_MINUTES: '10000000',
    DATABASE_URL: `file:${join(folder, 'headgate.db')}`,
    AUTH_JWT_SECRET: TEST_SECRET,
    MAX_DURATION_SECONDS: String(MAX_DURATION_SECONDS),
    RATE_LIMIT_CREATES: String(createsPerMinute),
    LOG_LEVEL: 'info',
  })
  const unexpectedErrors: string[] = []
  const tokens = await writeTokens()
  const webhookSecret = await readWebhookSecret(gateway.apiBaseUrl, gateway.apiToken)
  const lineOf = async (
    subject: string,
    claims: Record<string, unknown> = {},
  ): Promise<RetryingClient> =>
    createRetryingClient({
      gateways: [gateway.url],
      token: await tokenFor(subject, claims),
      unexpectedErrors,
      signal: AbortSignal.timeout(BACKOFF_MS),
    })

  const ada = await lineOf('ada')
  const uids = await mint(ada, UPLOADS)
  const expendable = await mint(ada, UPLOADS)
  const secrets = [TEST_SECRET, webhookSecret, gateway.apiToken]
  gateway.keepSecret([...secrets, ...tokens.good])
  return {
    gateway,
    port: Number(new URL(gateway.url).port),
    emulator: controlApiOf(gateway.emulatorUrl),
    scene: { ...tokens, webhookSecret, uids, expendable },
    rules: {
      maxDurationSeconds: MAX_DURATION_SECONDS,
      createsPerMinute,
      callers: SUBJECTS.length,
    },
    secrets,
    honest: `Bearer ${await tokenFor('honest')}`,
    admin: () => lineOf('auditor', { scope: 'uploads:admin' }),
    unexpectedErrors,
    async end() {
      await gateway.end()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const MINT = /* GraphQL */ `
  mutation {
    createTusUpload(input: { maxDurationSeconds: 60, sizeBytes: 1000 }) {
      ... on CreateTusUploadSuccess {
        upload {
          uid
        }
      }
    }
  }
`
const mintedSchema = z.object({
  createTusUpload: z.object({ upload: z.object({ uid: z.string() }) }),
})

async function mint(line: RetryingClient, count: number): Promise<[string, ...string[]]> {
  const one = async (): Promise<string> =>
    (await line.request(mintedSchema, MINT)).createTusUpload.upload.uid
  return [await one(), ...(await Promise.all(Array.from({ length: count - 1 }, one)))]
}

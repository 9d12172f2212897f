/** Starts a gateway process with its emulator, and creates the values for generated inputs. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { buildGateway } from '../chaos/gateway-process.ts'
import { type RetryingClient, createRetryingClient } from '../chaos/retrying-client.ts'
import { type EmulatorControlApi, controlApiOf } from '../kit/emulator.ts'
import { TEST_SECRET, tokenFor } from '../kit/gateway.ts'
import { type Fixtures, SUBJECTS, readWebhookSecret, writeTokens } from './fixtures.ts'
import type { CreationLimits } from './created-uploads.ts'
import { type InstrumentedProcess, startInstrumentedProcess } from './instrumented-process.ts'

export interface Setup {
  readonly gateway: InstrumentedProcess
  readonly port: number
  readonly emulator: EmulatorControlApi
  readonly fixtures: Fixtures
  readonly rules: CreationLimits
  /** Values that must not occur in any response or log line. */
  readonly secrets: readonly string[]
  /** Authorization header of the baseline client, which has no uploads. */
  readonly baselineAuthorization: string
  /** Creates an administrator, whose timeout starts now. */
  admin(): Promise<RetryingClient>
  /** Unexpected responses to the administrator. */
  readonly unexpectedErrors: string[]
  end(): Promise<void>
}

/** Seconds; below Stream's own limit, so that only the gateway can have enforced it. */
const MAX_DURATION_SECONDS = 3600
/** Number of uploads to query, and of uploads to delete. */
const UPLOADS = 4
const CLIENT_TIMEOUT_MS = 20_000

/** Starts the gateway with the rate limit `createsPerMinute` per caller. */
export async function startSetup(createsPerMinute: number): Promise<Setup> {
  await buildGateway()
  const folder = await mkdtemp(join(tmpdir(), 'headgate-hostile-'))
  const gateway = await startInstrumentedProcess({
    PORT: '0',
    EMULATOR_PORT: '0',
    EMULATOR_DIR: join(folder, 'emulator'),
    // Large enough for all uploads; other tests cover a full account.
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
  const clientOf = async (
    subject: string,
    claims: Record<string, unknown> = {},
  ): Promise<RetryingClient> =>
    createRetryingClient({
      gateways: [gateway.url],
      token: await tokenFor(subject, claims),
      unexpectedErrors,
      signal: AbortSignal.timeout(CLIENT_TIMEOUT_MS),
    })

  const ada = await clientOf('ada')
  const uids = await createUploads(ada, UPLOADS)
  const deletable = await createUploads(ada, UPLOADS)
  const secrets = [TEST_SECRET, webhookSecret, gateway.apiToken]
  gateway.forbidInLog([...secrets, ...tokens.validAuthorizations])
  return {
    gateway,
    port: Number(new URL(gateway.url).port),
    emulator: controlApiOf(gateway.emulatorUrl),
    fixtures: { ...tokens, webhookSecret, uids, deletable },
    rules: {
      maxDurationSeconds: MAX_DURATION_SECONDS,
      createsPerMinute,
      callers: SUBJECTS.length,
    },
    secrets,
    baselineAuthorization: `Bearer ${await tokenFor('honest')}`,
    admin: () => clientOf('auditor', { scope: 'uploads:admin' }),
    unexpectedErrors,
    async end() {
      await gateway.end()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const CREATE_UPLOAD = /* GraphQL */ `
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
const createdSchema = z.object({
  createTusUpload: z.object({ upload: z.object({ uid: z.string() }) }),
})

async function createUploads(
  client: RetryingClient,
  count: number,
): Promise<[string, ...string[]]> {
  const createNext = async (): Promise<string> =>
    (await client.request(createdSchema, CREATE_UPLOAD)).createTusUpload.upload.uid
  return [await createNext(), ...(await Promise.all(Array.from({ length: count - 1 }, createNext)))]
}

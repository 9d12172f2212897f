/** Sets up a gateway with known secrets, callers with tokens and a transcript of all output. */
import { onTestFinished, vi } from 'vitest'
import { z } from 'zod'
import { startTestEmulator, type TestEmulator } from '../kit/emulator.ts'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import {
  type Token,
  type Tokens,
  apiToken,
  issueTokens,
  gatewaySecrets,
  secretVariables,
  secretsOf,
} from './test-secrets.ts'
import {
  type RecordingClient,
  type NamedRequest,
  createRecordingClient,
  graphqlRequest,
} from './send-requests.ts'
import { MINT_BASIC, MINT_TUS } from './operations.ts'
import { type Secret, secretURL } from './search.ts'
import { type Transcript, createTranscript } from './transcript.ts'

/** An upload whose URL the transcript treats as a secret. */
export interface Minted {
  readonly uid: string
  readonly uploadURL: string
  readonly secret: Secret
}

/** A client of the gateway and the tokens that it can use. */
export interface Setup {
  readonly client: RecordingClient
  readonly tokens: Tokens
  readonly transcript: Transcript
  mintBasic(by: Token, input?: object): Promise<Minted>
  mintTus(by: Token, input?: object): Promise<Minted>
  /** Creates the upload with a tus request to /tus. */
  mintAtTusEndpoint(by: Token): Promise<Minted>
}

export interface GatewaySetup extends Setup {
  readonly gateway: TestGateway
  /** Records the log lines and the calls of `console.error` since the previous call. */
  recordLog(during?: string): void
}

/** For a gateway that already runs. */
export async function setupAt(url: string): Promise<Setup> {
  const tokens = await issueTokens()
  const transcript = createTranscript([...gatewaySecrets, ...secretsOf(tokens)])
  const client = createRecordingClient(url, transcript)

  /** The caller may read the URL in its response. The URL is known only after that was recorded. */
  async function mint(
    request: NamedRequest,
    read: (response: ReceivedResponse) => Omit<Minted, 'secret'>,
  ) {
    const own: Secret[] = []
    const minted = read(await client.send({ ...request, own }))
    const secret = secretURL(`the URL of ${request.name}`, minted.uploadURL)
    own.push(secret)
    transcript.addSecret(secret)
    return { ...minted, secret }
  }

  return {
    client,
    tokens,
    transcript,
    mintBasic: (by, input = {}) =>
      mint(
        graphqlRequest(`a basic upload by ${by.secret.name}`, by.text, MINT_BASIC, {
          input: { maxDurationSeconds: 60, ...input },
        }),
        mintedInData,
      ),
    mintTus: (by, input = {}) =>
      mint(
        graphqlRequest(`a tus upload by ${by.secret.name}`, by.text, MINT_TUS, {
          input: { maxDurationSeconds: 60, sizeBytes: 5_242_880, ...input },
        }),
        mintedInData,
      ),
    mintAtTusEndpoint: (by) =>
      mint(
        {
          name: `a creation at /tus by ${by.secret.name}`,
          path: '/tus',
          method: 'POST',
          headers: {
            authorization: `Bearer ${by.text}`,
            'tus-resumable': '1.0.0',
            'upload-length': '5242880',
            'upload-metadata': `maxDurationSeconds ${btoa('60')}`,
          },
        },
        ({ headers }) => ({
          uid: headers.get('stream-media-id') ?? '',
          uploadURL: headers.get('location') ?? '',
        }),
      ),
  }
}

type ReceivedResponse = Awaited<ReturnType<RecordingClient['send']>>

const mintResponse = z.object({
  data: z.object({
    mint: z.object({ uploadURL: z.string(), upload: z.object({ uid: z.string() }) }),
  }),
})

function mintedInData({ body }: ReceivedResponse): Omit<Minted, 'secret'> {
  const { uploadURL, upload } = mintResponse.parse(JSON.parse(body)).data.mint
  return { uploadURL, uid: upload.uid }
}

/** Starts a gateway in this process that uses Stream's API at this URL. */
export async function setupWith(
  apiBaseUrl: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<GatewaySetup> {
  const gateway = await startTestGateway({
    ...secretVariables,
    CLOUDFLARE_ACCOUNT_ID: 'account1',
    CLOUDFLARE_API_TOKEN: apiToken,
    CLOUDFLARE_API_BASE_URL: apiBaseUrl,
    ...variables,
  })
  const setup = await setupAt(gateway.url)
  // Some libraries write to the console, which is standard error in the real process.
  const consoleErrors = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  onTestFinished(() => consoleErrors.mockRestore())
  let recorded = 0
  return {
    ...setup,
    gateway,
    recordLog(during = '') {
      for (const line of gateway.logs.slice(recorded)) {
        setup.transcript.record(`log${during}: ${line.message}`, line)
      }
      recorded = gateway.logs.length
      for (const args of consoleErrors.mock.calls) {
        setup.transcript.record(`standard error${during}`, args)
      }
      consoleErrors.mockClear()
    },
  }
}

/** Starts a gateway in this process with its own emulator, which accepts the gateway's API token. */
export async function setupInProcess(
  variables: Readonly<Record<string, string>> = {},
): Promise<GatewaySetup & { readonly emulator: TestEmulator }> {
  const emulator = await startTestEmulator({ accountId: 'account1', token: apiToken })
  return { ...(await setupWith(emulator.apiBaseUrl, variables)), emulator }
}

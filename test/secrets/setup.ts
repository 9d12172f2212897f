/** A gateway with secrets of ours, callers with tokens, and a transcript of all that comes out. */
import { onTestFinished, vi } from 'vitest'
import { z } from 'zod'
import { startTestEmulator, type TestEmulator } from '../kit/emulator.ts'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import {
  type Token,
  type Tokens,
  apiToken,
  issueTokens,
  keptSecrets,
  secretVariables,
  secretsOf,
} from './test-secrets.ts'
import { type Endpoint, type Knock, endpointTo, graphqlKnock } from './send-requests.ts'
import { MINT_BASIC, MINT_TUS } from './operations.ts'
import { type Secret, secretURL } from './search.ts'
import { type Transcript, createTranscript } from './transcript.ts'

/** An upload whose URL is a secret from now on. */
export interface Minted {
  readonly uid: string
  readonly uploadURL: string
  readonly secret: Secret
}

/** Whom a test speaks to, and as whom. */
export interface Setup {
  readonly door: Endpoint
  readonly tokens: Tokens
  readonly transcript: Transcript
  mintBasic(by: Token, input?: object): Promise<Minted>
  mintTus(by: Token, input?: object): Promise<Minted>
  /** By the door for tus clients. */
  mintAtTusDoor(by: Token): Promise<Minted>
}

export interface GatewaySetup extends Setup {
  readonly gateway: TestGateway
  /** Writes down what was logged since the last time. */
  noteLog(during?: string): void
}

/** For a gateway that somebody has started. */
export async function setupAt(url: string): Promise<Setup> {
  const tokens = await issueTokens()
  const transcript = createTranscript([...keptSecrets, ...secretsOf(tokens)])
  const endpoint = endpointTo(url, transcript)

  /** Whoever mints may read the URL in the answer; what it is, is known only afterwards. */
  async function mint(knock: Knock, read: (answer: Answered) => Omit<Minted, 'secret'>) {
    const own: Secret[] = []
    const minted = read(await endpoint.knock({ ...knock, own }))
    const secret = secretURL(`the URL of ${knock.name}`, minted.uploadURL)
    own.push(secret)
    transcript.hide(secret)
    return { ...minted, secret }
  }

  return {
    door: endpoint,
    tokens,
    transcript,
    mintBasic: (by, input = {}) =>
      mint(
        graphqlKnock(`a basic mint by ${by.secret.name}`, by.text, MINT_BASIC, {
          input: { maxDurationSeconds: 60, ...input },
        }),
        mintedInData,
      ),
    mintTus: (by, input = {}) =>
      mint(
        graphqlKnock(`a tus mint by ${by.secret.name}`, by.text, MINT_TUS, {
          input: { maxDurationSeconds: 60, sizeBytes: 5_242_880, ...input },
        }),
        mintedInData,
      ),
    mintAtTusDoor: (by) =>
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

type Answered = Awaited<ReturnType<Endpoint['knock']>>

const mintAnswer = z.object({
  data: z.object({
    mint: z.object({ uploadURL: z.string(), upload: z.object({ uid: z.string() }) }),
  }),
})

function mintedInData({ body }: Answered): Omit<Minted, 'secret'> {
  const { uploadURL, upload } = mintAnswer.parse(JSON.parse(body)).data.mint
  return { uploadURL, uid: upload.uid }
}

/** In this process, with the Stream that listens there. */
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
  // Libraries that think they know better write there, and the process to standard error.
  const complaints = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  onTestFinished(() => complaints.mockRestore())
  let noted = 0
  return {
    ...setup,
    gateway,
    noteLog(during = '') {
      for (const line of gateway.logs.slice(noted)) {
        setup.transcript.note(`log${during}: ${line.message}`, line)
      }
      noted = gateway.logs.length
      for (const words of complaints.mock.calls) {
        setup.transcript.note(`standard error${during}`, words)
      }
      complaints.mockClear()
    },
  }
}

/** The same with an emulator of its own, which knows the API token of ours. */
export async function setupInProcess(
  variables: Readonly<Record<string, string>> = {},
): Promise<GatewaySetup & { readonly emulator: TestEmulator }> {
  const emulator = await startTestEmulator({ accountId: 'account1', token: apiToken })
  return { ...(await setupWith(emulator.apiBaseUrl, variables)), emulator }
}

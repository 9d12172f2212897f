/** Starts gateways with an emulator and a private video, and sends playback operations. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { z } from 'zod'
import { createApiKey, type ApiKey } from '../emulator/kit/playback-tokens.ts'
import { createStreamClient, type StreamClient } from '../emulator/kit/stream-client.ts'
import { type EmulatorControlApi, startTestEmulator } from '../kit/emulator.ts'
import { type Caller, type TestGateway, TEST_SECRET, startTestGateway } from '../kit/gateway.ts'
import { testcardFile } from '../kit/media.ts'
import { createDirectUpload, expectMinted, postFile, watchToEnd } from '../kit/operations.ts'

export interface SignedSetup {
  readonly gateway: TestGateway
  /** The key of the gateway, created at its embedded emulator. */
  readonly key: ApiKey
  /** Stream's API. */
  readonly stream: StreamClient
}

/** Starts a gateway that signs with a key of its emulator. */
export async function startWithSigningKey(
  variables: Readonly<Record<string, string>> = {},
): Promise<SignedSetup> {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-playback-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  // The gateway needs the key before it starts its emulator, which keeps keys across restarts.
  const before = await startTestEmulator({ directory })
  const key = await createApiKey(createStreamClient(before))
  await before.close()
  const gateway = await startTestGateway({
    AUTH_JWT_SECRET: TEST_SECRET,
    EMULATOR_DIR: directory,
    EMULATOR_ENCODE_MS: '0',
    STREAM_SIGNING_KEY_ID: key.id,
    STREAM_SIGNING_KEY_JWK: key.jwk,
    ...variables,
  })
  const { accountId, token } = before
  const { apiBaseUrl } = gateway.emulator
  return { gateway, key, stream: createStreamClient({ accountId, token, apiBaseUrl }) }
}

/** Uploads the test card; resolves with its uid when it is READY. */
export async function uploadVideo(
  caller: Caller,
  input: Readonly<Record<string, unknown>> = { requireSignedURLs: true },
): Promise<string> {
  const { uid, uploadURL } = expectMinted(await createDirectUpload(caller, input))
  await postFile(uploadURL, testcardFile())
  const last = (await watchToEnd(caller, uid)).at(-1)
  if (last?.status !== 'READY') throw new Error(`The upload ended in ${last?.status}.`)
  return uid
}

const playbackSchema = z.object({
  token: z.string().nullable(),
  expiresAt: z.iso.datetime().nullable(),
  hlsURL: z.url(),
  dashURL: z.url(),
  iframeURL: z.url(),
  thumbnailURL: z.url(),
  animatedThumbnailURL: z.url(),
})
export type Playback = z.infer<typeof playbackSchema>

const FIELDS = 'token expiresAt hlsURL dashURL iframeURL thumbnailURL animatedThumbnailURL'

/** Queries `playback` with these further arguments. */
export async function playbackOf(
  caller: Caller,
  uid: string,
  args: Readonly<Record<string, number | boolean>> = {},
): Promise<Playback | null> {
  const more = Object.entries(args).map(([name, value]) => `, ${name}: ${value}`)
  const data = await caller.request(
    z.object({ playback: playbackSchema.nullable() }),
    `query ($uid: ID!) { playback(uid: $uid${more.join('')}) { ${FIELDS} } }`,
    { uid },
  )
  return data.playback
}

/** The token of a private video; fails the test if there is none. */
export async function tokenOf(...args: Parameters<typeof playbackOf>): Promise<string> {
  const token = (await playbackOf(...args))?.token ?? null
  if (token === null) throw new Error('There is no playback token.')
  return token
}

const videoSchema = z.object({
  upload: z
    .object({
      video: z
        .object({
          hlsURL: z.url().nullable(),
          dashURL: z.url().nullable(),
          previewURL: z.url().nullable(),
          thumbnailURL: z.url().nullable(),
          playback: playbackSchema.nullable(),
        })
        .nullable(),
    })
    .nullable(),
})

/** The addresses of `upload(uid).video`. */
export async function videoOf(caller: Caller, uid: string) {
  const { upload } = await caller.request(
    videoSchema,
    `query ($uid: ID!) {
      upload(uid: $uid) {
        video { hlsURL dashURL previewURL thumbnailURL playback { ${FIELDS} } }
      }
    }`,
    { uid },
  )
  return upload?.video ?? null
}

export async function statusOf(url: string): Promise<number> {
  const response = await fetch(url)
  await response.arrayBuffer()
  return response.status
}

/** How many playback tokens the emulator has signed. */
export async function countTokenRequests(
  emulator: Pick<EmulatorControlApi, 'state'>,
): Promise<number> {
  const { requests } = await emulator.state()
  return requests['token'] ?? 0
}

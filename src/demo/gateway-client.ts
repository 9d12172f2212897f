/** GraphQL client of the demo; it uses only the public schema, like any frontend. */
import { GraphQLClient, gql } from 'graphql-request'
import { createClient } from 'graphql-sse'
import { z } from 'zod'

const minted = z.object({
  uploadURL: z.string().optional(),
  chunkSizeBytes: z.number().optional(),
  message: z.string().optional(),
  upload: z.object({ uid: z.string() }).optional(),
})

const watched = z.object({
  uploadStatus: z.object({
    status: z.string(),
    progress: z.object({
      receivedBytes: z.number().nullable(),
      encodingPercent: z.number().nullable(),
    }),
    failure: z.object({ code: z.string(), message: z.string() }).nullable(),
    video: z
      .object({
        durationSeconds: z.number().nullable(),
        width: z.number().nullable(),
        height: z.number().nullable(),
        sizeBytes: z.number().nullable(),
        previewURL: z.string().nullable(),
      })
      .nullable(),
  }),
})

/** One state of a watched upload. */
export type WatchedUpload = z.infer<typeof watched>['uploadStatus']

const MINT_BASIC = gql`
  mutation {
    mint: createDirectUpload(input: { maxDurationSeconds: 60, name: "A small video" }) {
      ... on CreateDirectUploadSuccess {
        uploadURL
        upload {
          uid
        }
      }
      ... on Error {
        message
      }
    }
  }
`

const MINT_PRIVATE = gql`
  mutation {
    mint: createDirectUpload(
      input: { maxDurationSeconds: 60, name: "A private video", requireSignedURLs: true }
    ) {
      ... on CreateDirectUploadSuccess {
        uploadURL
        upload {
          uid
        }
      }
      ... on Error {
        message
      }
    }
  }
`

const MINT_TUS = gql`
  mutation ($sizeBytes: ByteCount!) {
    mint: createTusUpload(
      input: { sizeBytes: $sizeBytes, maxDurationSeconds: 60, name: "A large video" }
    ) {
      ... on CreateTusUploadSuccess {
        uploadURL
        chunkSizeBytes
        upload {
          uid
        }
      }
      ... on Error {
        message
      }
    }
  }
`

const PLAYBACK = gql`
  query ($uid: ID!) {
    playback(uid: $uid) {
      hlsURL
      iframeURL
      token
    }
  }
`

const playable = z.object({
  playback: z.object({ hlsURL: z.string(), iframeURL: z.string(), token: z.string() }),
})

const WATCH = /* GraphQL */ `
  subscription ($uid: ID!) {
    uploadStatus(uid: $uid) {
      status
      progress {
        receivedBytes
        encodingPercent
      }
      failure {
        code
        message
      }
      video {
        durationSeconds
        width
        height
        sizeBytes
        previewURL
      }
    }
  }
`

export type GatewayClient = ReturnType<typeof createGatewayClient>

export function createGatewayClient(url: string) {
  const client = new GraphQLClient(url)
  const subscriptions = createClient({ url })

  async function mint(document: string, variables: Readonly<Record<string, unknown>>) {
    const result = z.object({ mint: minted }).parse(await client.request(document, variables)).mint
    if (result.upload === undefined || result.uploadURL === undefined) {
      throw new Error(`The gateway created no upload: ${result.message ?? 'no reason given'}`)
    }
    return {
      uid: result.upload.uid,
      uploadURL: result.uploadURL,
      chunkSizeBytes: result.chunkSizeBytes,
    }
  }

  return {
    mintBasic: () => mint(MINT_BASIC, {}),
    mintPrivate: () => mint(MINT_PRIVATE, {}),
    /** Returns the signed addresses of a private video that is READY. */
    playback: async (uid: string) =>
      playable.parse(await client.request(PLAYBACK, { uid })).playback,
    async mintTus(sizeBytes: number) {
      const result = await mint(MINT_TUS, { sizeBytes })
      if (result.chunkSizeBytes === undefined)
        throw new Error('The gateway returned no chunk size.')
      return { ...result, chunkSizeBytes: result.chunkSizeBytes }
    },
    /** Yields each state up to the terminal one. */
    async *watch(uid: string): AsyncGenerator<WatchedUpload> {
      for await (const result of subscriptions.iterate({ query: WATCH, variables: { uid } })) {
        if (result.errors !== undefined) throw new Error(result.errors.map(String).join(' '))
        yield watched.parse(result.data).uploadStatus
      }
    },
  }
}

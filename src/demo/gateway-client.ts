/** What the demo asks of the gateway, as any frontend would. */
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

export type GatewayCaller = ReturnType<typeof createGatewayCaller>

export function createGatewayCaller(url: string) {
  const client = new GraphQLClient(url)
  const subscriptions = createClient({ url })

  async function mint(document: string, variables: Readonly<Record<string, unknown>>) {
    const answer = z.object({ mint: minted }).parse(await client.request(document, variables)).mint
    if (answer.upload === undefined || answer.uploadURL === undefined) {
      throw new Error(`The gateway minted nothing: ${answer.message ?? 'no reason given'}`)
    }
    return {
      uid: answer.upload.uid,
      uploadURL: answer.uploadURL,
      chunkSizeBytes: answer.chunkSizeBytes,
    }
  }

  return {
    mintBasic: () => mint(MINT_BASIC, {}),
    async mintTus(sizeBytes: number) {
      const answer = await mint(MINT_TUS, { sizeBytes })
      if (answer.chunkSizeBytes === undefined) throw new Error('The gateway named no chunk size.')
      return { ...answer, chunkSizeBytes: answer.chunkSizeBytes }
    },
    /** Each state as it comes, to the last. */
    async *watch(uid: string): AsyncGenerator<WatchedUpload> {
      for await (const result of subscriptions.iterate({ query: WATCH, variables: { uid } })) {
        if (result.errors !== undefined) throw new Error(result.errors.map(String).join(' '))
        yield watched.parse(result.data).uploadStatus
      }
    },
  }
}

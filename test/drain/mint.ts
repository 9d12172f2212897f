/** The mutation of these tests, and the answer that counts. */
import { z } from 'zod'

export const MINT = /* GraphQL */ `
  mutation {
    createDirectUpload(input: { maxDurationSeconds: 60 }) {
      __typename
      ... on CreateDirectUploadSuccess {
        upload {
          uid
        }
      }
    }
  }
`

export const minted = z.object({
  data: z.object({
    createDirectUpload: z.object({
      __typename: z.literal('CreateDirectUploadSuccess'),
      upload: z.object({ uid: z.string() }),
    }),
  }),
})

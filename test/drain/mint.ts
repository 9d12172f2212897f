/** The mutation of these tests, and the schema of its successful response. */
import { z } from 'zod'

export const CREATE_UPLOAD = /* GraphQL */ `
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

export const successSchema = z.object({
  data: z.object({
    createDirectUpload: z.object({
      __typename: z.literal('CreateDirectUploadSuccess'),
      upload: z.object({ uid: z.string() }),
    }),
  }),
})

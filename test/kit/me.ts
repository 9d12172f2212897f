/** The query `me`. */
import { z } from 'zod'
import type { Caller } from './gateway.ts'

const me = z.object({
  me: z.object({
    subject: z.string(),
    isAdmin: z.boolean(),
    limits: z.object({
      maxDurationSeconds: z.number(),
      maxSizeBytes: z.number(),
      createsPerMinute: z.number(),
      quotaMinutes: z.number().nullable(),
      heldMinutes: z.number(),
      remainingUploads: z.number().nullable(),
    }),
  }),
})

export async function readMe(caller: Caller): Promise<z.infer<typeof me>['me']> {
  const data = await caller.request(
    me,
    /* GraphQL */ `
      {
        me {
          subject
          isAdmin
          limits {
            maxDurationSeconds
            maxSizeBytes
            createsPerMinute
            quotaMinutes
            heldMinutes
            remainingUploads
          }
        }
      }
    `,
  )
  return data.me
}

export async function limitsOf(caller: Caller): Promise<z.infer<typeof me>['me']['limits']> {
  return (await readMe(caller)).limits
}

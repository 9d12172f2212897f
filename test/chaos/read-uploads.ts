/** Reads every upload of a gateway. */
import { z } from 'zod'
import { uploadStatuses } from '../../src/uploads/upload.ts'
import type { RetryingClient } from './retrying-client.ts'

/**
 * Returns the uploads, newest first, with those that are deleted.
 * @param shape the schema of one upload
 * @param selection the fields of the schema, in GraphQL
 */
export async function readUploads<T extends z.ZodType>(
  admin: RetryingClient,
  shape: T,
  selection: string,
): Promise<readonly z.infer<T>[]> {
  const page = z.object({
    uploads: z.object({
      nodes: z.array(shape),
      pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
    }),
  })
  const query = /* GraphQL */ `
    query ($after: String, $filter: UploadFilter) {
      uploads(first: 100, after: $after, filter: $filter) {
        nodes { ${selection} }
        pageInfo { hasNextPage endCursor }
      }
    }
  `
  // Without a filter, the list leaves deleted uploads out.
  const filter = { status: uploadStatuses }
  const all: z.infer<T>[] = []
  let after: string | null = null
  for (;;) {
    const { uploads }: z.infer<typeof page> = await admin.request(page, query, { after, filter })
    all.push(...uploads.nodes)
    if (!uploads.pageInfo.hasNextPage) return all
    after = uploads.pageInfo.endCursor
  }
}

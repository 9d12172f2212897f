/** Changes an upload with the mutation `updateUpload`. */
import type { Client } from '@urql/core'
import type { Upload } from '../../client/client.ts'
import {
  UPDATE_UPLOAD,
  type UpdateUploadData,
  type UpdateUploadVariables,
} from '../data/documents.ts'

export type SaveOutcome =
  | { readonly kind: 'saved'; readonly upload: Upload }
  /** The upload has this version instead of the expected one. Nothing was changed. */
  | { readonly kind: 'conflict'; readonly currentVersion: number }
  | { readonly kind: 'failed'; readonly message: string }

/** The list receives the change as an event. */
export async function saveChanges(
  client: Client,
  input: UpdateUploadVariables['input'],
): Promise<SaveOutcome> {
  const { data } = await client
    .mutation<UpdateUploadData, UpdateUploadVariables>(UPDATE_UPLOAD, { input })
    .toPromise()
  if (data === undefined) return { kind: 'failed', message: 'The gateway did not respond.' }
  const { upload, currentVersion, issues = [], message = '' } = data.updateUpload
  if (upload !== undefined) return { kind: 'saved', upload }
  if (currentVersion !== undefined) return { kind: 'conflict', currentVersion }
  const [issue] = issues
  return {
    kind: 'failed',
    message: issue === undefined ? message : `${issue.path.join('.')} ${issue.message}`,
  }
}

/** Mutation `deleteUpload`: cancels an upload or deletes its video. */
import { deleteUpload } from '../uploads/delete-upload.ts'
import { type DeleteUploadOutcome, type Deleted } from '../uploads/outcomes.ts'
import { builder } from './builder.ts'
import {
  ForbiddenError,
  RateLimitedError,
  StreamErrorType,
  UploadNotFoundError,
} from './error-types.ts'
import { UploadType } from './upload.ts'

const DeleteUploadSuccess = builder.objectRef<Deleted>('DeleteUploadSuccess').implement({
  description: 'Stream confirmed that the video is gone, and its reservation with it.',
  fields: (t) => ({
    upload: t.expose('upload', { type: UploadType, description: 'The upload, now DELETED.' }),
  }),
})

const DeleteUploadResult = builder.unionType('DeleteUploadResult', {
  description: 'The deleted upload, or why it still stands.',
  types: [
    DeleteUploadSuccess,
    UploadNotFoundError,
    ForbiddenError,
    RateLimitedError,
    StreamErrorType,
  ],
  resolveType: (outcome: DeleteUploadOutcome) =>
    outcome.kind === 'Deleted' ? 'DeleteUploadSuccess' : outcome.kind,
})

builder.mutationField('deleteUpload', (t) =>
  t.field({
    type: DeleteUploadResult,
    description:
      'Cancels an upload that is under way, or deletes the video; releases its reservation.',
    args: { uid: t.arg.id({ required: true, description: "Stream's identifier of the video." }) },
    resolve: (_root, { uid }, { dependencies, viewer }) => deleteUpload(dependencies, viewer, uid),
  }),
)

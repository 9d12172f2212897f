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
  description: 'The video was deleted at Stream, and its reservation was released.',
  fields: (t) => ({
    upload: t.expose('upload', {
      type: UploadType,
      description: 'The upload, with the status DELETED.',
    }),
  }),
})

const DeleteUploadResult = builder.unionType('DeleteUploadResult', {
  description: 'The deleted upload, or an error.',
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
    description: 'Cancels an active upload, or deletes the video. Releases its reservation.',
    args: {
      uid: t.arg.id({ required: true, description: "Stream's unique identifier of the video." }),
    },
    resolve: (_root, { uid }, { dependencies, viewer }) => deleteUpload(dependencies, viewer, uid),
  }),
)

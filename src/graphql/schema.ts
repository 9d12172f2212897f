/** Builds the schema; each imported module adds its types to the builder. */
import './scalars.ts'
import './node.ts'
import './upload.ts'
import './playback.ts'
import './error-types.ts'
import './upload-connection.ts'
import './create-upload.ts'
import './create-uploads.ts'
import './delete-upload.ts'
import './update-upload.ts'
import './storage-usage.ts'
import './caller.ts'
import './recommended-protocol.ts'
import './subscriptions.ts'
import './upload-list.ts'
import { builder } from './builder.ts'
import { limitErrors } from './limit-errors.ts'

export const schema = builder.toSchema()
limitErrors(schema)

/** Package entry `headgate/callbacks`: what a receiver of callbacks needs. */
export {
  type Callback,
  type CallbackHeaders,
  CallbackRejected,
  verifyCallback,
} from './verify-callback.ts'
export type {
  CallbackConstraints,
  CallbackPayload,
  CallbackUpload,
  CallbackVideo,
} from '../uploads/callbacks/callback-payload.ts'
export type { CallbackType } from '../uploads/callbacks/callback-type.ts'

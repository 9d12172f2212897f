/** Type of a READY upload. It is also a type guard for the results of other GraphQL clients. */

/** Fields of the video that are set when the upload is READY. The plain addresses of a private video are null. */
const readyFields = ['durationSeconds', 'playback'] as const
type ReadyField = (typeof readyFields)[number]

/** An upload with any selection of fields, such as a type that GraphQL Code Generator writes. */
export interface SelectedUpload {
  readonly status: string
  readonly video?: { readonly [Field in ReadyField]?: unknown } | null | undefined
}

/** The upload with status READY; its video is not null, nor are the selected ones of these fields. */
export type Ready<U extends SelectedUpload> = U & {
  readonly status: 'READY'
  readonly video: {
    readonly [Field in keyof NonNullable<U['video']> & ReadyField]: NonNullable<
      NonNullable<U['video']>[Field]
    >
  }
}

/** Whether the video plays. Then `video`, its `playback` and its duration are not null. */
export function isReady<U extends SelectedUpload>(upload: U): upload is Ready<U> {
  const { status, video } = upload
  if (status !== 'READY' || video === null || video === undefined) return false
  return readyFields.every((field) => video[field] !== null)
}

/** Whether the status is READY, ERROR, EXPIRED or DELETED, after which a subscription completes. */
export function isTerminal({ status }: { readonly status: string }): boolean {
  return status === 'READY' || status === 'ERROR' || status === 'EXPIRED' || status === 'DELETED'
}

/** What can be uploaded. */
export type UploadSource = Blob | Uint8Array

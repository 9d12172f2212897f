/** What `upload` accepts as a file. */

/**
 * A file to upload. A Blob, a File and a Uint8Array work on every platform. A string is a path and a NodeFileHandle
 * an open file, both in Node; the client does not close a handle. A NativeFile is a file of React Native.
 */
export type UploadSource = Blob | Uint8Array | StreamSource | string | NodeFileHandle | NativeFile

/**
 * A stream and its length. A stream is read once: each call of `upload` needs a new one, which resumes the upload
 * of an earlier stream with the same name, size, type and first 5 MiB.
 */
export interface StreamSource {
  readonly stream: ReadableStream<Uint8Array>
  /** Bytes of the whole stream. */
  readonly size: number
  readonly name?: string | undefined
  /** Media type, such as "video/mp4". */
  readonly type?: string | undefined
}

/** The used part of a `FileHandle` of `node:fs/promises`. */
export interface NodeFileHandle {
  read(
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>
  stat(): Promise<{ readonly size: number; readonly mtimeMs: number }>
}

/** A file of a picker of React Native or Expo. */
export interface NativeFile {
  /** Such as `file:///…/video.mp4` or `content://…`. */
  readonly uri: string
  readonly size: number
  readonly name?: string | undefined
  readonly type?: string | undefined
  /**
   * Returns the bytes from `start` to before `end`. Without it, a tus upload loads the whole file into memory,
   * because React Native cannot read a part of a file.
   */
  readonly read?: ((start: number, end: number) => Uint8Array | Promise<Uint8Array>) | undefined
}

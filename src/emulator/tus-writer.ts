/**
 * Writes tus chunks with @tus/server and its file store. The emulator stands in front of them: what a
 * URL means, chunk rules, HEAD and locks are its own (tus-upload.ts says why).
 */
import { FileStore } from '@tus/file-store'
import { Server, Upload, type KvStore, type Locker } from '@tus/server'

import type { ChunkBody } from './chunk-body.ts'
import type { VideoFiles } from './video-files.ts'
import type { VideoLibrary } from './video-library.ts'

/** One chunk on its way to the file. */
export interface Chunk {
  readonly uid: string
  readonly offset: number
  /** The request's Content-Length; null where it has none. */
  readonly declaredBytes: number | null
  readonly body: ChunkBody
}

/** The HTTP status that the chunk earned, and a sentence where it was refused. */
export interface ChunkOutcome {
  readonly status: number
  readonly text: string
}

export interface TusWriter {
  write(chunk: Chunk): Promise<ChunkOutcome>
}

/** Claims in front allow one sender at a time, so that these locks never have to wait. */
const FREE_LOCKER: Locker = {
  newLock: () => ({ lock: () => Promise.resolve(), unlock: () => Promise.resolve() }),
}

export function createTusWriter(library: VideoLibrary, files: VideoFiles): TusWriter {
  const server = new Server({
    path: '/tus',
    datastore: new FileStore({ directory: files.directory, configstore: uploadsOf(library) }),
    locker: FREE_LOCKER,
  })
  return {
    async write({ uid, offset, declaredBytes, body }) {
      const headers = new Headers({
        'tus-resumable': '1.0.0',
        'upload-offset': String(offset),
        'content-type': 'application/offset+octet-stream',
      })
      if (declaredBytes !== null) headers.set('content-length', String(declaredBytes))
      const init = { method: 'PATCH', headers, body: body.stream, duplex: 'half' }
      const response = await server.handleWeb(new Request(`http://stream/tus/${uid}`, init))
      return { status: response.status, text: (await response.text()).trim() }
    },
  }
}

/** The store's book of uploads is our table of videos: there is no second truth to keep in step. */
function uploadsOf(library: VideoLibrary): KvStore {
  return {
    get(uid) {
      const video = library.find(uid)
      if (video === null || video.uploadLength === null) return Promise.resolve(undefined)
      return Promise.resolve(new Upload({ id: uid, size: video.uploadLength, offset: 0 }))
    },
    set: () => Promise.resolve(),
    delete: () => Promise.resolve(),
  }
}

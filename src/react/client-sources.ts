/** The sources that all components share, by client. */
import {
  type PlaybackOptions,
  type Upload,
  type UploadClient,
  type UploadFilter,
  type UploadList,
  type UploadListOptions,
  type UploadListSnapshot,
  createUploadList,
} from '../client/client.ts'
import { LOADING_LIST } from '../client/list/list-snapshot.ts'
import {
  LOADING_PLAYBACK,
  type UsePlaybackResult,
  createPlaybackSource,
} from './playback-source.ts'
import { type OpenSources, shareSource } from './share-source.ts'
import type { ComponentSource, Source } from './source.ts'
import { LOADING_UPLOAD, type UseUploadResult, createUploadSource } from './upload-source.ts'

interface ClientSources {
  readonly lists: OpenSources<UploadList>
  readonly uploads: OpenSources<Source<UseUploadResult>>
  readonly playbacks: OpenSources<Source<UsePlaybackResult>>
}

const byClient = new WeakMap<UploadClient, ClientSources>()

function sourcesOf(client: UploadClient): ClientSources {
  const sources = byClient.get(client) ?? {
    lists: new Map(),
    uploads: new Map(),
    playbacks: new Map(),
  }
  byClient.set(client, sources)
  return sources
}

/** A live list that equal components share. */
export interface SharedList extends ComponentSource<UploadListSnapshot, [changed: Upload | null]> {
  readonly loadMore: () => void
}

export function listSource(
  client: UploadClient,
  filter: UploadFilter,
  options: UploadListOptions,
): SharedList {
  const { lists } = sourcesOf(client)
  const key = JSON.stringify([filter, options])
  const create = () => createUploadList(client, filter, options)
  return {
    ...shareSource(lists, key, LOADING_LIST, create),
    loadMore: () => lists.get(key)?.source.loadMore(),
  }
}

export function uploadSource(client: UploadClient, uid: string): ComponentSource<UseUploadResult> {
  const list = listSource(client, {}, {})
  return shareSource(sourcesOf(client).uploads, uid, LOADING_UPLOAD, () =>
    createUploadSource(client, list, uid),
  )
}

export function playbackSource(
  client: UploadClient,
  uid: string,
  options: Omit<PlaybackOptions, 'signal'>,
): ComponentSource<UsePlaybackResult> {
  const key = JSON.stringify([uid, options])
  return shareSource(sourcesOf(client).playbacks, key, LOADING_PLAYBACK, () =>
    createPlaybackSource(client, uid, options),
  )
}

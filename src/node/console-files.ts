/** Reads the built console and its documents from disk, and lists the hosts that its page may use. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { StreamConfig } from '../config/node-config.ts'
import { errorCodeOf } from '../shared/error-codes.ts'
import type { ConsoleFile } from '../http/pages/console-page.ts'
import type { TrustedDocument } from '../http/graphql/plugins/trusted-documents.ts'
import { isRecord } from '../shared/json.ts'
import * as clientOperations from '../client/gateway/operations.ts'

/** The same folder from `src` and from `dist`. */
const DEFAULT_FOLDER = new URL('../../dist/console/', import.meta.url)
/** List of the console's documents, which its build writes. */
const DOCUMENTS_FILE = 'documents.json'
const PLAYBACK_HOSTS = ['https://*.cloudflarestream.com', 'https://*.videodelivery.net']
const UPLOAD_HOSTS = ['https://upload.videodelivery.net', ...PLAYBACK_HOSTS]
const CLOUDFLARE_API_ORIGIN = 'https://api.cloudflare.com'

/** Returns all files of the folder; none if the console was not built. */
export function readConsoleFiles(folder: URL = DEFAULT_FOLDER): readonly ConsoleFile[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== DOCUMENTS_FILE)
      .map(({ name }) => ({
        path: name,
        bytes: new Uint8Array(readFileSync(fileURLToPath(new URL(name, folder)))),
      }))
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return []
    throw error
  }
}

/** Returns the documents of `headgate/client` and of the console, which clients send as text. */
export function readOwnDocuments(folder: URL = DEFAULT_FOLDER): readonly TrustedDocument[] {
  const file = new URL(DOCUMENTS_FILE, folder)
  const console: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
  const texts: readonly unknown[] = [
    ...Object.values(clientOperations),
    ...(isRecord(console) ? Object.values(console) : []),
  ]
  return texts.flatMap((text) => (typeof text === 'string' ? [{ ids: [], text }] : []))
}

/**
 * Returns upload and playback hosts, as sources of a content security policy.
 * @param emulatorURL public URL of the embedded emulator; null with an account
 */
export function consoleSources(
  stream: StreamConfig,
  emulatorURL: string | null,
): { readonly uploadSources: readonly string[]; readonly playSources: readonly string[] } {
  if (emulatorURL !== null) return { uploadSources: [emulatorURL], playSources: [emulatorURL] }
  const origin = stream.kind === 'account' ? new URL(stream.baseURL).origin : CLOUDFLARE_API_ORIGIN
  // Another API URL is an emulator, which serves uploads and playback at the same origin.
  const others = origin === CLOUDFLARE_API_ORIGIN ? [] : [origin]
  return {
    uploadSources: [...UPLOAD_HOSTS, ...others],
    playSources: [...PLAYBACK_HOSTS, ...others],
  }
}

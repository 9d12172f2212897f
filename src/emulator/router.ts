/** Routes a request to the REST API, control API, upload host or playback host. */
import type { IncomingMessage } from 'node:http'

import { textResponse, type ResponseOrDisconnect, type HttpResponse } from './http-response.ts'
import { serveControlApi } from './control/control-api.ts'
import type { EmulatorDependencies } from './dependencies.ts'
import { servePlayback } from './playback/playback.ts'
import { serveRestApi } from './rest/rest-api.ts'
import { serveBasicUrl, serveTusUrl } from './upload-host/upload-host.ts'
import type { Settings } from './settings.ts'

/** Selects the handler by the form of the path; the first match wins. */
export function route(
  dependencies: EmulatorDependencies,
  request: IncomingMessage,
): Promise<ResponseOrDisconnect> {
  const url = readUrl(request.url ?? '/')
  if (url === null) return Promise.resolve(textResponse(400, 'Malformed URL.'))
  const path = url.pathname
  if (path.startsWith('/client/')) return serveRestApi(dependencies, request, url)

  const [, control] = /^\/__emulator\/?(.*)$/.exec(path) ?? []
  if (control !== undefined) return serveControlApi(dependencies, request, control)

  const [, uploadId] = /^\/tus\/([0-9a-f]{32})$/.exec(path) ?? []
  if (uploadId !== undefined) return serveTusUrl(dependencies, request, uploadId)

  const [, basicId] = /^\/([0-9a-f]{32})$/.exec(path) ?? []
  if (basicId !== undefined) return serveBasicUrl(dependencies, request, basicId)

  const [, first = '', rest] = /^\/([^/]+)\/(.+)$/.exec(path) ?? []
  if (rest !== undefined && isUidOrToken(first)) {
    const target = { uidOrToken: first, path: rest, query: url.searchParams }
    return servePlayback(dependencies, request, target)
  }

  if (path === '/') return Promise.resolve(indexPage(dependencies.settings))
  return Promise.resolve(textResponse(404, 'Not found. The page at / lists the endpoints.'))
}

/** A signed token has dots, a uid has none. */
function isUidOrToken(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text) || text.includes('.')
}

/** Returns the request target as a URL, or null when it is invalid. */
function readUrl(target: string): URL | null {
  // Only path and query are used, so that the client's Host header is ignored.
  const local = target.startsWith('/') ? `http://stream${target}` : target
  return URL.canParse(local) ? new URL(local) : null
}

/** Returns the text at `/`. */
export function indexPage(settings: Settings): HttpResponse {
  const { accountId, publicUrl, storageMinutes, reachableByOthers } = settings
  const token = reachableByOthers ? '; both APIs need the token' : ''
  return textResponse(
    200,
    `This is headgate's emulator of Cloudflare Stream, for direct creator uploads in development and tests.

  REST API    ${publicUrl}/client/v4/accounts/${accountId}/stream
  uploads     ${publicUrl}/{uid} (multipart POST), ${publicUrl}/tus/{id} (tus 1.0.0)
  watch       ${publicUrl}/{uid}/watch, or a signed token in place of the uid
  control     ${publicUrl}/__emulator/state, /faults, /clock, /reset (JSON)

Web pages can upload and play, but cannot use the REST API and the control API${token}.

The account "${accountId}" can store ${storageMinutes} minutes. Files are not encoded: they are stored and
played unchanged, and the clock decides their state.`,
  )
}

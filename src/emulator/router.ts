/** Which face a request is for. */
import type { IncomingMessage } from 'node:http'

import { sentence, type AnswerOrCut } from './http-response.ts'
import { serveKnobs } from './control/control-api.ts'
import type { EmulatorParts } from './dependencies.ts'
import { servePlayback } from './playback/playback.ts'
import { serveRestApi } from './rest/rest-api.ts'
import { serveBasicUrl, serveTusUrl } from './upload-host/upload-host.ts'
import { welcome } from './welcome.ts'

/** The faces, by the shape of their paths; the first that fits is asked. */
export function route(parts: EmulatorParts, request: IncomingMessage): Promise<AnswerOrCut> {
  const url = readUrl(request.url ?? '/')
  if (url === null) return Promise.resolve(sentence(400, 'The address cannot be read.'))
  const path = url.pathname
  if (path.startsWith('/client/')) return serveRestApi(parts, request, url)

  const [, knob] = /^\/__emulator\/?(.*)$/.exec(path) ?? []
  if (knob !== undefined) return serveKnobs(parts, request, knob)

  const [, uploadId] = /^\/tus\/([0-9a-f]{32})$/.exec(path) ?? []
  if (uploadId !== undefined) return serveTusUrl(parts, request, uploadId)

  const [, uid, rest] = /^\/([0-9a-f]{32})(?:\/(.+))?$/.exec(path) ?? []
  if (uid !== undefined && rest !== undefined) return servePlayback(parts, request, uid, rest)
  if (uid !== undefined) return serveBasicUrl(parts, request, uid)

  if (path === '/') return Promise.resolve(welcome(parts.settings))
  return Promise.resolve(sentence(404, 'There is nothing here. What there is stands at /.'))
}

/** The request's own path and query; null where it is no address at all. */
function readUrl(target: string): URL | null {
  // Only the path matters: a client's Host header says where it thinks it is, not where we are.
  const local = target.startsWith('/') ? `http://stream${target}` : target
  return URL.canParse(local) ? new URL(local) : null
}

/**
 * Handler that returns the HTML that embeds a video's player in a page.
 * https://developers.cloudflare.com/api/resources/stream/subresources/embed/methods/get/
 */
import { notFound } from '../api-error.ts'
import type { EmulatorDependencies } from '../dependencies.ts'
import { httpResponse, type HttpResponse } from '../http-response.ts'
import { escapeMarkup } from '../playback/player-page.ts'

/** Returns an iframe. A script of Cloudflare's player would not find videos of the emulator. */
export function embedVideo({ library, settings }: EmulatorDependencies, uid: string): HttpResponse {
  if (library.find(uid) === null) throw notFound()
  const source = escapeMarkup(`${settings.publicUrl}/${uid}/iframe`)
  return httpResponse(
    200,
    { 'content-type': 'text/html; charset=utf-8' },
    `<iframe src="${source}" style="border: none" height="720" width="1280" allow="accelerometer; gyroscope; autoplay; encrypted-media; picture-in-picture;" allowfullscreen="true"></iframe>\n`,
  )
}

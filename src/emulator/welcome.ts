/** The page at `/`: what this is, and where things are. */
import { sentence, type Answer } from './http-response.ts'
import type { Settings } from './dependencies.ts'

export function welcome(settings: Settings): Answer {
  const { accountId, publicUrl, storageMinutes, reachableByOthers } = settings
  const token = reachableByOthers ? '; both APIs need the token' : ''
  return sentence(
    200,
    `This is headgate's emulator of Cloudflare Stream: direct creator uploads on your desk.

  REST API    ${publicUrl}/client/v4/accounts/${accountId}/stream
  uploads     ${publicUrl}/{uid} (multipart POST), ${publicUrl}/tus/{id} (tus 1.0.0)
  watch       ${publicUrl}/{uid}/watch
  control     ${publicUrl}/__emulator/state, /faults, /clock, /reset (JSON)

Web pages may upload and play, and use neither the REST API nor the control API${token}.

The account "${accountId}" may store ${storageMinutes} minutes. Nothing is encoded: files are kept and
played as they came, and the states go by the clock.`,
  )
}

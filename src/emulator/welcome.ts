/** The page at `/`: what this is, and where things are. */
import { sentence, type Answer } from './answer.ts'
import type { Settings } from './parts.ts'

export function welcome({ accountId, publicUrl, storageMinutes }: Settings): Answer {
  return sentence(
    200,
    `This is headgate's emulator of Cloudflare Stream: direct creator uploads on your desk.

  REST API    ${publicUrl}/client/v4/accounts/${accountId}/stream
  uploads     ${publicUrl}/{uid} (multipart POST), ${publicUrl}/tus/{id} (tus 1.0.0)
  watch       ${publicUrl}/{uid}/watch
  knobs       ${publicUrl}/__emulator/state, /faults, /clock, /reset

The account "${accountId}" may store ${storageMinutes} minutes. Nothing is encoded: files are kept and
played as they came, and the states go by the clock.`,
  )
}

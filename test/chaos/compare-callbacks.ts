/** Compares what a target received with what happened to the uploads, by their history. */
import type { CallbackType } from '../../src/uploads/callbacks/callback-type.ts'
import type { UploadStatus } from '../../src/uploads/upload.ts'
import type { FaultyTarget, Receipt } from './callback-target.ts'
import type { KnownUpload } from './compare-state.ts'

const typeOfStatus: Readonly<Partial<Record<UploadStatus, CallbackType>>> = {
  QUEUED: 'upload.received',
  IN_PROGRESS: 'upload.received',
  READY: 'upload.ready',
  ERROR: 'upload.failed',
  EXPIRED: 'upload.expired',
  DELETED: 'upload.deleted',
}

/** Returns the types of callbacks that the statuses of an upload mean, oldest first. */
function expectedTypes({ history }: KnownUpload): readonly CallbackType[] {
  const statuses = history.map(({ status }) => status)
  return statuses.flatMap((status, index): CallbackType[] => {
    const previous = statuses[index - 1]
    if (previous === undefined) return ['upload.created']
    const type = typeOfStatus[status]
    return type === undefined || type === typeOfStatus[previous] ? [] : [type]
  })
}

/** Returns every callback that is missing, too many, or out of order at a target, as a sentence. */
export function lossesOfCallbacks(
  uploads: readonly KnownUpload[],
  targets: readonly FaultyTarget[],
): readonly string[] {
  const bodies = new Map<string, string>()
  return targets.flatMap(({ url, receipts, rejected }) => {
    const byUid = new Map<string, Receipt[]>(receipts.map(({ uid }) => [uid, []]))
    for (const receipt of receipts) byUid.get(receipt.uid)?.push(receipt)
    const known = new Set(uploads.map(({ uid }) => uid))
    const losses = [
      ...rejected,
      ...[...byUid.keys()].filter((uid) => !known.has(uid)).map((uid) => `${uid} does not exist`),
      ...uploads.flatMap((upload) => lossesOf(upload, byUid.get(upload.uid) ?? [])),
    ]
    for (const { id, body } of receipts) {
      const first = bodies.get(id) ?? body
      if (first !== body) losses.push(`${id} has two bodies`)
      bodies.set(id, first)
    }
    return losses.map((loss) => `${url}: ${loss}`)
  })
}

function lossesOf(upload: KnownUpload, receipts: readonly Receipt[]): readonly string[] {
  const losses: string[] = []
  const accepted = new Set<string>()
  /** The first receipt of each id. */
  const distinct: Receipt[] = []
  for (const receipt of receipts) {
    if (!distinct.some(({ id }) => id === receipt.id)) {
      const previous = distinct.at(-1)
      if (previous !== undefined && !accepted.has(previous.id)) {
        losses.push(`${upload.uid}: ${receipt.type} came before ${previous.type} was accepted`)
      }
      if (previous !== undefined && previous.version >= receipt.version) {
        losses.push(`${upload.uid}: version ${receipt.version} came after ${previous.version}`)
      }
      distinct.push(receipt)
    }
    if (receipt.isAccepted) accepted.add(receipt.id)
  }
  const expected = expectedTypes(upload).join(', ')
  const received = distinct
    .filter(({ id, type }) => accepted.has(id) && type !== 'upload.updated')
    .map(({ type }) => type)
    .join(', ')
  if (received !== expected) losses.push(`${upload.uid}: ${received} instead of ${expected}`)
  return losses
}

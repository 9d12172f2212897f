/** Arbitrary sequences of writes through the port, for property tests. */
import * as fc from 'fast-check'
import type { UploadStore } from '../../src/uploads/ports/upload-store.ts'
import { uploadProtocols, uploadStatuses } from '../../src/uploads/upload.ts'
import { changeOf, uidOf, uploadURLOf } from '../contracts/store-suite.ts'
import { after, reservationOf, uploadOf } from '../kit/samples.ts'

export const creators = ['alice', 'bob', 'carol'] as const

/** A write of the port. Few ids and keys, so that operations conflict. */
export interface Operation {
  readonly name: string
  readonly perform: (store: UploadStore) => Promise<unknown>
}

const id = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const second = fc.integer({ min: 0, max: 9 })
const usedSeconds = fc.integer({ min: 0, max: 500 })

const reserve = fc
  .record({
    id,
    creator: fc.constantFrom(...creators),
    protocol: fc.constantFrom(...uploadProtocols),
    seconds: fc.integer({ min: 1, max: 400 }),
    key: fc.constantFrom(null, null, 'one', 'two'),
    quota: fc.constantFrom(null, 600),
    second,
  })
  .map(({ seconds, key, quota, second: at, ...fields }) => {
    const { constraints } = reservationOf()
    const reservation = reservationOf({
      ...fields,
      constraints: { ...constraints, maxDurationSeconds: seconds },
      idempotencyKey: key,
      requestedBy: fields.creator,
      createdAt: after(at),
    })
    const rules = { creatorQuotaSeconds: quota, keysValidSince: after(3) }
    return {
      name: `reserve ${JSON.stringify(fields)}`,
      perform: (store: UploadStore) => store.reserve(reservation, rules),
    }
  })

const mint = fc.tuple(id, second).map(([reservationId, at]) => ({
  name: `mint ${reservationId}`,
  perform: (store: UploadStore) =>
    store.mint(
      reservationOf({ id: reservationId }),
      { uid: uidOf(reservationId), uploadURL: uploadURLOf(reservationId) },
      after(at),
      after(15),
    ),
}))

const saveVersion = fc
  .record({
    id,
    version: fc.integer({ min: 1, max: 4 }),
    status: fc.constantFrom(...uploadStatuses),
    quotaUsage: fc.record({ reservedSeconds: usedSeconds, storedSeconds: usedSeconds }),
    hasEvent: fc.boolean(),
  })
  .map(({ id: reservationId, version, status, quotaUsage, hasEvent }) => {
    const upload = uploadOf({ id: reservationId, uid: uidOf(reservationId), version })
    const event = hasEvent ? ({ status, source: 'SYNC', at: after(5) } as const) : null
    return {
      name: `save ${reservationId} from ${version} to ${status}`,
      perform: (store: UploadStore) =>
        store.saveVersion(changeOf(upload, { status }, { event, quotaUsage, pollAt: after(20) })),
    }
  })

const discard = fc
  .tuple(fc.constantFrom('release', 'retire'), id)
  .map(([method, reservationId]) => ({
    name: `${method} ${reservationId}`,
    perform: (store: UploadStore) =>
      method === 'release' ? store.release(reservationId) : store.retire(reservationId),
  }))

const deleteRetired = second.map((at) => ({
  name: `delete those retired before ${at}`,
  perform: (store: UploadStore) => store.deleteRetiredBefore(after(at)),
}))

/** Sequences long enough for complete upload lifecycles; reserving and minting are the most frequent. */
export const operations: fc.Arbitrary<readonly Operation[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: reserve },
    { weight: 4, arbitrary: mint },
    { weight: 4, arbitrary: saveVersion },
    { weight: 1, arbitrary: discard },
    { weight: 1, arbitrary: deleteRetired },
  ),
  { maxLength: 40 },
)

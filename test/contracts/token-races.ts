/** Races for the uploads of one token, which every store must decide for all gateways. */
import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import type { EmulatorControlApi } from '../kit/emulator.ts'
import { type Caller, tokenFor } from '../kit/gateway.ts'
import { limitsOf } from '../kit/me.ts'
import {
  createDirectUpload,
  createTusUpload,
  deleteUpload,
  expectMinted,
} from '../kit/operations.ts'

/** Gateways with one database, which no other test uses. */
export interface GatewaysOfGuests {
  /** Callers with this token, one for each gateway. */
  readonly as: (token: string) => readonly Caller[]
  readonly emulator: Pick<EmulatorControlApi, 'fault' | 'state'>
  /** Starts the gateways again, with the same database. */
  readonly restart: () => Promise<void>
}

/** A token that allows this many uploads. */
function guestToken(maxUploads: number): Promise<string> {
  return tokenFor(`guest-${randomUUID()}`, { jti: randomUUID(), headgate: { maxUploads } })
}

/** Sends so many creations at once, in turn to each gateway and by each protocol. Returns the types of the results. */
async function race(callers: readonly Caller[], count: number): Promise<readonly string[]> {
  const outcomes = await Promise.all(
    Array.from({ length: count }, (_, index) => {
      const caller = callers[index % callers.length]
      if (caller === undefined) throw new Error('No gateway is running.')
      return index % 3 === 0
        ? createTusUpload(caller, { sizeBytes: 1000 })
        : createDirectUpload(caller)
    }),
  )
  return outcomes.map(({ __typename }) => __typename)
}

function countMinted(types: readonly string[]): number {
  return types.filter((type) => type.endsWith('Success')).length
}

export function describeTokenRaces(start: () => Promise<GatewaysOfGuests>): void {
  it('mints two of 100 racing requests with a token of two, also after a restart', async () => {
    const { as, emulator, restart } = await start()
    const token = await guestToken(2)
    const types = await race(as(token), 100)
    expect(countMinted(types)).toBe(2)
    expect(types.filter((type) => type === 'ForbiddenError')).toHaveLength(98)
    expect((await emulator.state()).videos).toHaveLength(2)

    const other = await guestToken(3)
    expect(countMinted(await race(as(other).slice(0, 1), 1))).toBe(1)
    await restart()
    expect(countMinted(await race(as(token), 2))).toBe(0)
    const later = await race(as(other), 100)
    expect(countMinted(later)).toBe(2)
    expect(later.filter((type) => type === 'ForbiddenError')).toHaveLength(98)
    for (const caller of as(other)) expect((await limitsOf(caller)).remainingUploads).toBe(0)
  })

  it('gives back what Stream rejected, and nothing for a deleted upload', async () => {
    const { as, emulator } = await start()
    const [caller] = as(await guestToken(1))
    if (caller === undefined) throw new Error('No gateway is running.')
    await emulator.fault({ on: 'direct_upload', times: 1, status: 400 })
    expect(await createDirectUpload(caller)).toMatchObject({ code: 'STREAM_REJECTED' })
    expect((await limitsOf(caller)).remainingUploads).toBe(1)
    const { uid } = expectMinted(await createDirectUpload(caller))
    expect((await deleteUpload(caller, uid)).__typename).toBe('DeleteUploadSuccess')
    expect(await createDirectUpload(caller)).toMatchObject({
      __typename: 'ForbiddenError',
      message: 'This token may create 1 upload, and has done so. Get a new token.',
    })
  })
}

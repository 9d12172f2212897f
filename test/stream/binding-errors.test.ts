/** What the binding throws, in every form in which it may arrive: as an error of the port. */
import { describe, expect, test } from 'vitest'
import { createBindingStreamApi } from '../../src/stream/binding/binding-stream-api.ts'
import type { StreamBinding } from '../../src/stream/binding/binding-types.ts'
import type { StreamErrorKind } from '../../src/uploads/ports/stream-error.ts'
import { caught, find, mint, remove, type Act } from './stub-failure.ts'
import { uid, uploadURL } from './stub-params.ts'

/** A binding whose every call rejects with this. */
function rejecting(reason: unknown): StreamBinding {
  const fail = () =>
    new Promise<never>((_resolve, reject) => {
      reject(reason)
    })
  return {
    createDirectUpload: fail,
    video: () => ({ details: fail, update: fail, delete: fail }),
    videos: { list: fail },
  }
}

const change: Act = (backend) => backend.updateVideo(uid, { creator: 'x' })
const list: Act = (backend) => backend.listVideos({})

/** An error with what is left of its facts on the way. */
function error(message: string, facts: object = {}): Error {
  return Object.assign(new Error(message), facts)
}

function failing(reason: unknown, act: Act) {
  return caught(act(createBindingStreamApi(rejecting(reason))))
}

const names: readonly [name: string, kind: StreamErrorKind, status: number][] = [
  ['BadRequestError', 'invalid', 400],
  ['InvalidURLError', 'invalid', 400],
  ['TooManyWatermarksError', 'invalid', 400],
  ['AlreadyUploadedError', 'invalid', 409],
  ['MaxFileSizeError', 'invalid', 413],
  ['NotFoundError', 'invalid', 404],
  ['ForbiddenError', 'unauthorized', 403],
  ['RateLimitedError', 'rate-limited', 429],
  ['QuotaReachedError', 'quota', 413],
  ['InternalError', 'unavailable', 500],
]

describe.each(names)('%s', (name, kind, status) => {
  const mayHaveSucceeded = kind === 'unavailable'

  test('by its name', async () => {
    const told = await failing(error('words', { name }), mint)
    expect(told).toMatchObject({ kind, status, mayHaveSucceeded, codes: [] })
    expect(told.message).toContain(`(${name}, HTTP ${status}): words`)
  })

  test('by its name, with the numbers that came along', async () => {
    const told = await failing(error('words', { name, statusCode: 418, code: 10_005 }), mint)
    expect(told).toMatchObject({ kind, status: 418, mayHaveSucceeded, codes: [10_005] })
  })

  test.each([
    `${name}: words`,
    `Error: ${name}: words`,
    `Uncaught Error: ${name}: words`,
    `Uncaught ${name}: words`,
  ])('by the head of its message: %s', async (message) => {
    const told = await failing(error(message), mint)
    expect(told).toMatchObject({ kind, status, mayHaveSucceeded })
    expect(told.message).toMatch(/\): words$/)
  })

  test('asked for, it has not happened', async () => {
    expect(await failing(error('words', { name }), list)).toMatchObject({
      kind,
      mayHaveSucceeded: false,
    })
  })
})

test.each<[statusCode: number, kind: StreamErrorKind, mayHaveSucceeded: boolean]>([
  [400, 'invalid', false],
  [401, 'unauthorized', false],
  [403, 'unauthorized', false],
  [404, 'invalid', false],
  [408, 'unavailable', true],
  [409, 'invalid', false],
  [413, 'quota', false],
  [422, 'invalid', false],
  [429, 'rate-limited', false],
  [500, 'unavailable', true],
  [503, 'unavailable', true],
])('by status %i alone', async (statusCode, kind, mayHaveSucceeded) => {
  for (const name of ['Error', 'StreamError']) {
    const told = await failing(error('words', { name, statusCode }), mint)
    expect(told).toMatchObject({ kind, status: statusCode, mayHaveSucceeded })
  }
})

test.each<[what: string, reason: unknown, kind: StreamErrorKind]>([
  ['storage', error('words', { name: 'BadRequestError', code: 10_011 }), 'quota'],
  ['storage without a name', error('words', { statusCode: 400, code: 10_011 }), 'quota'],
  ['authentication', error('words', { name: 'BadRequestError', code: 10_000 }), 'unauthorized'],
  ['a status before words', error('BadRequestError: words', { statusCode: 429 }), 'rate-limited'],
])('codes are believed: %s', async (_what, reason, kind) => {
  expect(await failing(reason, mint)).toMatchObject({ kind, mayHaveSucceeded: false })
})

describe('what says nothing of itself is a lost connection', () => {
  test.each<[what: string, reason: unknown]>([
    ['a plain error', error('Network connection lost.')],
    ['an error of the runtime', new TypeError('The RPC receiver does not implement the method')],
    ['a name that nobody knows', error('words', { name: 'SurpriseError' })],
    ['a head that nobody knows', error('SurpriseError: words')],
    ['a status that is none', error('words', { statusCode: 200 })],
    ['no error at all', 'words'],
    ['nothing', undefined],
  ])('%s', async (_what, reason) => {
    const lost = { kind: 'unavailable', status: null }
    for (const act of [mint, change, remove])
      expect(await failing(reason, act)).toMatchObject({ ...lost, mayHaveSucceeded: true })
    for (const act of [find, list])
      expect(await failing(reason, act)).toMatchObject({ ...lost, mayHaveSucceeded: false })
  })
})

describe('a video that is not there', () => {
  test.each<[what: string, reason: unknown]>([
    ['by name', error('Not Found', { name: 'NotFoundError' })],
    ['by status', error('Not Found', { statusCode: 404 })],
    ['by the head of the message', error(`NotFoundError: Video not found: ${uid}`)],
  ])('%s: nothing is found, changed or deleted', async (_what, reason) => {
    const backend = createBindingStreamApi(rejecting(reason))
    expect(await backend.findVideo(uid)).toBeNull()
    expect(await backend.updateVideo(uid, { creator: 'x' })).toBeNull()
    expect(await backend.deleteVideo(uid)).toBe(false)
    expect(await backend.listVideos({ uids: [uid] })).toEqual({ videos: [], total: 0 })
  })
})

test('secrets in its sentence are hidden, whatever the form', async () => {
  for (const facts of [{ name: 'BadRequestError' }, { statusCode: 500 }, {}]) {
    const told = await failing(
      error(`no ${uploadURL} for ${uid} ${'long '.repeat(99)}`, facts),
      mint,
    )
    expect(told.message).not.toContain('videodelivery')
  }
})

test.each<[what: string, act: Act, answer: unknown]>([
  ['a creation without a URL', mint, { id: uid }],
  ['a creation with an address that is none', mint, { id: uid, uploadURL: 'javascript:alert(1)' }],
  ['a creation without an id', mint, { uploadURL }],
  ['no video', find, { state: 'ready' }],
  ['no list', list, { videos: [] }],
])('%s is of no use', async (_what, act, answer) => {
  const give = async () => answer
  const binding: StreamBinding = {
    createDirectUpload: give,
    video: () => ({ details: give, update: give, delete: give }),
    videos: { list: give },
  }
  expect(await caught(act(createBindingStreamApi(binding)))).toMatchObject({
    kind: 'unavailable',
    mayHaveSucceeded: act === mint,
  })
})

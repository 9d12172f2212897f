/** Errors of the binding, in every form in which RPC may deliver them, become errors of the port. */
import { describe, expect, test } from 'vitest'
import { createBindingStreamApi } from '../../src/stream/binding/binding-stream-api.ts'
import type { StreamBinding } from '../../src/stream/binding/binding-types.ts'
import type { StreamErrorKind } from '../../src/uploads/ports/stream-error.ts'
import { streamErrorOf, find, mint, remove, type StreamCall } from './stub-failure.ts'
import { uid, uploadURL } from './stub-params.ts'

/** A binding that rejects every call with the reason. */
function rejecting(reason: unknown): StreamBinding {
  const fail = () =>
    new Promise<never>((_resolve, reject) => {
      reject(reason)
    })
  return {
    createDirectUpload: fail,
    video: () => ({ details: fail, update: fail, delete: fail, generateToken: fail }),
    videos: { list: fail },
  }
}

const change: StreamCall = (backend) => backend.updateVideo(uid, { creator: 'x' })
const createToken: StreamCall = (backend) =>
  backend.createPlaybackToken({ uid, expiresAt: new Date(), ttlSeconds: 3600, downloadable: false })
const list: StreamCall = (backend) => backend.listVideos({})

/** An error with the properties that survive RPC. */
function error(message: string, properties: object = {}): Error {
  return Object.assign(new Error(message), properties)
}

function failing(reason: unknown, act: StreamCall) {
  return streamErrorOf(act(createBindingStreamApi(rejecting(reason))))
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

  test('is recognized by its name', async () => {
    const result = await failing(error('details', { name }), mint)
    expect(result).toMatchObject({ kind, status, mayHaveSucceeded, codes: [] })
    expect(result.message).toContain(`(${name}, HTTP ${status}): details`)
  })

  test('is recognized by its name, and keeps its status and code', async () => {
    const result = await failing(error('details', { name, statusCode: 418, code: 10_005 }), mint)
    expect(result).toMatchObject({ kind, status: 418, mayHaveSucceeded, codes: [10_005] })
  })

  test.each([
    `${name}: details`,
    `Error: ${name}: details`,
    `Uncaught Error: ${name}: details`,
    `Uncaught ${name}: details`,
  ])('is recognized by the start of its message: %s', async (message) => {
    const result = await failing(error(message), mint)
    expect(result).toMatchObject({ kind, status, mayHaveSucceeded })
    expect(result.message).toMatch(/\): details$/)
  })

  test('of a read has mayHaveSucceeded false', async () => {
    expect(await failing(error('details', { name }), list)).toMatchObject({
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
])('an error with only status %i is recognized', async (statusCode, kind, mayHaveSucceeded) => {
  for (const name of ['Error', 'StreamError']) {
    const result = await failing(error('details', { name, statusCode }), mint)
    expect(result).toMatchObject({ kind, status: statusCode, mayHaveSucceeded })
  }
})

test.each<[name: string, reason: unknown, kind: StreamErrorKind]>([
  ['storage', error('details', { name: 'BadRequestError', code: 10_011 }), 'quota'],
  ['storage without a name', error('details', { statusCode: 400, code: 10_011 }), 'quota'],
  ['authentication', error('details', { name: 'BadRequestError', code: 10_000 }), 'unauthorized'],
  [
    'a status before a message',
    error('BadRequestError: details', { statusCode: 429 }),
    'rate-limited',
  ],
])('the code or status takes precedence over the name: %s', async (_name, reason, kind) => {
  expect(await failing(reason, mint)).toMatchObject({ kind, mayHaveSucceeded: false })
})

describe('an unrecognized error is unavailable', () => {
  test.each<[name: string, reason: unknown]>([
    ['a plain error', error('Network connection lost.')],
    ['an error of the runtime', new TypeError('The RPC receiver does not implement the method')],
    ['an unknown name', error('details', { name: 'SurpriseError' })],
    ['an unknown name in the message', error('SurpriseError: details')],
    ['a status that is not an error', error('details', { statusCode: 200 })],
    ['a string', 'details'],
    ['undefined', undefined],
  ])('%s', async (_name, reason) => {
    const expected = { kind: 'unavailable', status: null }
    for (const act of [mint, change, remove])
      expect(await failing(reason, act)).toMatchObject({ ...expected, mayHaveSucceeded: true })
    for (const act of [find, list])
      expect(await failing(reason, act)).toMatchObject({ ...expected, mayHaveSucceeded: false })
  })
})

describe('a missing video', () => {
  test.each<[name: string, reason: unknown]>([
    ['by name', error('Not Found', { name: 'NotFoundError' })],
    ['by status', error('Not Found', { statusCode: 404 })],
    ['by the start of the message', error(`NotFoundError: Video not found: ${uid}`)],
  ])('is recognized %s: null, null, false and an empty list', async (_name, reason) => {
    const backend = createBindingStreamApi(rejecting(reason))
    expect(await backend.findVideo(uid)).toBeNull()
    expect(await backend.updateVideo(uid, { creator: 'x' })).toBeNull()
    expect(await backend.deleteVideo(uid)).toBe(false)
    expect(await backend.listVideos({ uids: [uid] })).toEqual({ videos: [], total: 0 })
  })
})

test('secrets in error messages are hidden in every form', async () => {
  for (const properties of [{ name: 'BadRequestError' }, { statusCode: 500 }, {}]) {
    const result = await failing(
      error(`no ${uploadURL} for ${uid} ${'long '.repeat(99)}`, properties),
      mint,
    )
    expect(result.message).not.toContain('videodelivery')
  }
})

test.each<[name: string, act: StreamCall, result: unknown]>([
  ['a creation without a URL', mint, { id: uid }],
  ['a creation with a URL that is not HTTP', mint, { id: uid, uploadURL: 'javascript:alert(1)' }],
  ['a creation without an id', mint, { uploadURL }],
  ['no video', find, { state: 'ready' }],
  ['no token', createToken, 'not a token'],
  ['no list', list, { videos: [] }],
])('%s is unavailable', async (_name, act, result) => {
  const respond = async () => result
  const binding: StreamBinding = {
    createDirectUpload: respond,
    video: () => ({ details: respond, update: respond, delete: respond, generateToken: respond }),
    videos: { list: respond },
  }
  expect(await streamErrorOf(act(createBindingStreamApi(binding)))).toMatchObject({
    kind: 'unavailable',
    mayHaveSucceeded: act === mint,
  })
})

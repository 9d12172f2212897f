/** The search for secrets finds a planted secret in every kind of value, and reports nothing else. */
import { GraphQLError, parse } from 'graphql'
import { describe, expect, it } from 'vitest'
import { createTranscript } from './transcript.ts'
import { allTextIn, findIn, secretText, secretToken, secretURL } from './search.ts'

const text = 'aPiTokEn-9vQe2LxYb7RmNa4WpUz8KdHs3JgTf6'
const planted = secretText('planted', text)

class ErrorWithHiddenRequest extends Error {
  constructor() {
    super('no details')
    Object.defineProperty(this, 'request', { value: { headers: [text] }, enumerable: false })
  }
}

const nested = new Error('outer', { cause: new Error('middle', { cause: new Error(text) }) })
const document = `{ upload(uid: "${text}") { uid } }`

describe('the search for secrets', () => {
  it.each<[string, unknown]>([
    ['a text', `before ${text} after`],
    ['the message of a nested cause', nested],
    ['the same in the fields of a log line', { requestId: 'x', err: nested }],
    ['a cause that is not an error', new Error('outer', { cause: { body: text } })],
    ['a property that is not enumerable', new ErrorWithHiddenRequest()],
    ['one of several aggregated errors', new AggregateError([new Error('a'), new Error(text)])],
    ['a stack', Object.assign(new Error('x'), { stack: `at ${text}` })],
    ['the name of a property', { [text]: 1 }],
    [
      'the document of a GraphQL error',
      new GraphQLError('x', { source: parse(document).loc?.source }),
    ],
    ['a Map', new Map([['token', text]])],
    ['headers', new Headers({ location: `https://example.com/${text}` })],
    ['a URL', new URL(`https://user:${text}@example.com`)],
    ['bytes', new TextEncoder().encode(text)],
    ['base64 after a name', btoa(`user:${text}`)],
    ['a URL in a URL', encodeURIComponent(`https://${text}`)],
    ['hex', Buffer.from(text).toString('hex')],
    ['the first two thirds', `${text.slice(0, 26)}…`],
    ['the last two thirds', text.slice(-26)],
  ])('finds a secret in %s', (_place, value) => {
    expect(findIn(allTextIn(value), planted)).not.toBeNull()
  })

  it('finds nothing in a value without the secret', () => {
    const harmless = {
      err: new Error('request to Stream failed', { cause: new Error('ECONNRESET') }),
    }
    expect(findIn(allTextIn(harmless), planted)).toBeNull()
  })

  it('matches the payload and the signature of a token, but not its header', () => {
    const header = 'eyJhbGciOiJIUzI1NiJ9'
    const payload = 'eyJzdWIiOiJhZGEiLCJqdGkiOiI3ZjNhIn0'
    const signature = 'sIgNaTuRe0123456789abcdefghijklmnopqrstuvwx'
    const token = secretToken('token', `${header}.${payload}.${signature}`)
    expect(findIn(header, token)).toBeNull()
    expect(findIn(payload, token)).not.toBeNull()
    expect(findIn(signature, token)).not.toBeNull()
  })

  it('distinguishes a basic upload URL from the other URLs of its video', () => {
    const basic = secretURL('basic', 'http://127.0.0.1:4001/0123456789abcdef0123456789abcdef')
    expect(findIn('http://127.0.0.1:4001/0123456789abcdef0123456789abcdef/watch', basic)).toBeNull()
    expect(findIn('"http://127.0.0.1:4001/0123456789abcdef0123456789abcdef"', basic)).not.toBeNull()
  })

  it('names the secret and the place, except where the reader may know the secret', () => {
    const transcript = createTranscript([planted])
    transcript.record("the owner's response", text, [planted])
    transcript.record("another caller's response", { errors: [{ message: text }] })
    expect(transcript.leaks()).toEqual([
      expect.stringMatching(/^planted in another caller's response: …/),
    ])
    expect(transcript.placesOf(planted)).toEqual([
      "the owner's response",
      "another caller's response",
    ])
  })
})

/** The search itself: it finds what was planted, wherever that is, and only that. */
import { GraphQLError, parse } from 'graphql'
import { describe, expect, it } from 'vitest'
import { createTranscript } from './transcript.ts'
import { everythingIn, findIn, secretText, secretToken, secretURL } from './search.ts'

const text = 'aPiTokEn-9vQe2LxYb7RmNa4WpUz8KdHs3JgTf6'
const planted = secretText('planted', text)

class Hiding extends Error {
  constructor() {
    super('nothing to see')
    Object.defineProperty(this, 'request', { value: { headers: [text] }, enumerable: false })
  }
}

const nested = new Error('outer', { cause: new Error('middle', { cause: new Error(text) }) })
const document = `{ upload(uid: "${text}") { uid } }`

describe('the search', () => {
  it.each<[string, unknown]>([
    ['a text', `before ${text} after`],
    ['the message of a nested cause', nested],
    ['the same within the fields of a line', { requestId: 'x', err: nested }],
    ['a cause that is no error', new Error('outer', { cause: { body: text } })],
    ['a hidden property', new Hiding()],
    ['an error among others', new AggregateError([new Error('a'), new Error(text)])],
    ['a stack', Object.assign(new Error('x'), { stack: `at ${text}` })],
    ['the name of a property', { [text]: 1 }],
    [
      'the document under an error of GraphQL',
      new GraphQLError('x', { source: parse(document).loc?.source }),
    ],
    ['a Map', new Map([['token', text]])],
    ['headers', new Headers({ location: `https://example.com/${text}` })],
    ['an address', new URL(`https://user:${text}@example.com`)],
    ['bytes', new TextEncoder().encode(text)],
    ['base64 behind a name', btoa(`user:${text}`)],
    ['an address in an address', encodeURIComponent(`https://${text}`)],
    ['hex', Buffer.from(text).toString('hex')],
    ['the first two thirds', `${text.slice(0, 26)}…`],
    ['the last two thirds', text.slice(-26)],
  ])('finds a secret in %s', (_place, value) => {
    expect(findIn(everythingIn(value), planted)).not.toBeNull()
  })

  it('finds nothing where nothing is', () => {
    const innocent = { err: new Error('Stream would not', { cause: new Error('ECONNRESET') }) }
    expect(findIn(everythingIn(innocent), planted)).toBeNull()
  })

  it('knows a token by what it says and by its signature, and not by its header', () => {
    const header = 'eyJhbGciOiJIUzI1NiJ9'
    const payload = 'eyJzdWIiOiJhZGEiLCJqdGkiOiI3ZjNhIn0'
    const signature = 'sIgNaTuRe0123456789abcdefghijklmnopqrstuvwx'
    const token = secretToken('token', `${header}.${payload}.${signature}`)
    expect(findIn(header, token)).toBeNull()
    expect(findIn(payload, token)).not.toBeNull()
    expect(findIn(signature, token)).not.toBeNull()
  })

  it('tells a basic URL from the other addresses of its video', () => {
    const basic = secretURL('basic', 'http://127.0.0.1:4001/0123456789abcdef0123456789abcdef')
    expect(findIn('http://127.0.0.1:4001/0123456789abcdef0123456789abcdef/watch', basic)).toBeNull()
    expect(findIn('"http://127.0.0.1:4001/0123456789abcdef0123456789abcdef"', basic)).not.toBeNull()
  })

  it('says who saw what, and lets everybody see their own', () => {
    const transcript = createTranscript([planted])
    transcript.note("the owner's answer", text, [planted])
    transcript.note("somebody else's answer", { errors: [{ message: text }] })
    expect(transcript.leaks()).toEqual([
      expect.stringMatching(/^planted in somebody else's answer: …/),
    ])
    expect(transcript.placesOf(planted)).toEqual(["the owner's answer", "somebody else's answer"])
  })
})

import { EventEmitter } from 'node:events'
import { expect, it } from 'vitest'
import { createGuard } from '../../src/shared/guard-listener.ts'

it('logs an error thrown by a listener and ends only its connection', () => {
  const errors: object[] = []
  let ended = 0
  const guard = createGuard({ error: (fields) => void errors.push(fields) }, () => {
    ended += 1
  })
  const failure = new Error('broken')
  const received: string[] = []
  const emitter = new EventEmitter()
  emitter.on(
    'message',
    guard((text: string) => {
      received.push(text)
      if (text === 'bad') throw failure
    }),
  )
  for (const text of ['good', 'bad']) emitter.emit('message', text)
  expect(received).toEqual(['good', 'bad'])
  expect(errors).toEqual([{ err: failure }])
  expect(ended).toBe(1)
})

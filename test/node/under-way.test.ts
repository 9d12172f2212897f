import * as fc from 'fast-check'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { type UnderWay, createRoll, notCounted, waitNoMore } from '../../src/node/under-way.ts'

const response = (): ServerResponse => new ServerResponse(new IncomingMessage(new Socket()))

describe('the roll of what is under way', () => {
  it('has those who entered and have not left, in whatever order they come and go', () => {
    const holds = fc.property(fc.array(fc.nat({ max: 20 }), { maxLength: 60 }), (steps) => {
      const roll = createRoll()
      const entered: UnderWay[] = []
      const expected = new Set<ServerResponse>()
      for (const step of steps) {
        // Some leave twice, as a connection that breaks after its answer does.
        const leaving = entered[step]
        if (leaving === undefined) {
          const one = roll.enter(response())
          entered.push(one)
          expected.add(one.res)
        } else {
          roll.leave(leaving)
          expected.delete(leaving.res)
        }
        expect(new Set(roll.responses())).toEqual(expected)
        expect(roll.responses()).toHaveLength(expected.size)
      }
    })
    expect(fc.check(holds)).toMatchObject({ failed: false })
  })

  it('is not left by what was never on it', () => {
    const roll = createRoll()
    const one = roll.enter(response())
    roll.leave(notCounted(response()))
    expect(roll.responses()).toEqual([one.res])
  })

  it('says of one that waits no more that it does not begin again', () => {
    const one = createRoll().enter(response())
    let ended = 0
    one.endWaiting = () => (ended += 1)
    waitNoMore(one)
    expect([ended, one.mayWait]).toEqual([1, false])
  })
})

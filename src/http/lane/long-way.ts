/** graphql-js itself, with all of Yoga's plugins around it: for what is not the regular case. */
import type { DocumentNode, GraphQLSchema } from 'graphql'
import { processRegularResult } from 'graphql-yoga'
import type { GraphQLContext } from '../../graphql/context.ts'
import type { Viewer } from '../../uploads/viewer.ts'
import type { CrowdLimit } from '../crowd-limit.ts'
import type { Enveloped } from '../enveloped.ts'
import type { KnownDocuments } from '../known-documents.ts'
import type { Yoga } from '../yoga.ts'
import type { Asked } from './asked.ts'
import { type Done, giveAgain, replaying } from './outcomes.ts'
import type { Plan } from './plans.ts'

/** An answer as Yoga would give it. */
export interface FullAnswer {
  readonly status: number
  readonly text: string
}

/** What an operation is carried out with; see `Given` of compile-operation.ts. */
interface Given {
  /** With the id of the request, where there is one: errors that are masked are found by it. */
  readonly context: GraphQLContext & { readonly requestId?: string }
  readonly variables: Asked['variables']
  readonly root?: unknown
  /** Of a mutation: what is not to be done again. */
  readonly done?: Done
}

export interface LongWay {
  readonly schema: GraphQLSchema
  /** The document that this text was parsed to and carried out as; null where it was not, lately. */
  documentOf(query: string): DocumentNode | null
  /** Carries the operation out, but for what is `done`. */
  answer(plan: Plan, viewer: Viewer, given: Given, mediaType?: string): Promise<FullAnswer>
}

export function createLongWay(
  yoga: Yoga,
  schema: GraphQLSchema,
  documents: KnownDocuments,
  crowd: Pick<CrowdLimit, 'exempt'>,
): LongWay {
  const replay = replaying(schema)

  return {
    schema,
    documentOf: (query) => documents.carriedOut(query),
    async answer(plan, viewer, { context, variables, root, done }, mediaType) {
      // A mutation holds its place until it is answered; an event of a subscription takes none.
      crowd.exempt(context)
      const { execute }: Enveloped = yoga.getEnveloped({ viewer })
      if (done !== undefined) giveAgain(context, done)
      const result = await execute({
        schema: done === undefined ? schema : replay,
        document: plan.document,
        operationName: plan.operationName,
        variableValues: variables,
        contextValue: context,
        rootValue: root,
      })
      const response = processRegularResult(
        result,
        yoga.fetchAPI,
        (mediaType ?? 'application/json').replace(/;.*/, ''),
      )
      return { status: response.status, text: await response.text() }
    },
  }
}

/** Bounds on what one document may ask for, whichever way it came. */
import { maxAliasesRule } from '@escape.tech/graphql-armor-max-aliases'
import { maxDepthRule } from '@escape.tech/graphql-armor-max-depth'
import { maxDirectivesRule } from '@escape.tech/graphql-armor-max-directives'
import { type ASTVisitor, GraphQLError, type ValidationContext } from 'graphql'
import type { GatewayPlugin } from './plugin.ts'

/** The deepest sensible operation of this schema has six levels; introspection is not counted. */
export const MOST_LEVELS = 10
/** Each alias is another read, or another upload to mint. */
export const MOST_ALIASES = 50
export const MOST_DIRECTIVES = 20

/** Refuses what is over a bound, by name, before anything is executed. */
export const useOperationLimits: GatewayPlugin = {
  onValidate({ addValidationRule }) {
    addValidationRule(
      maxDepthRule({
        n: MOST_LEVELS,
        flattenFragments: true,
        ...refuse(`An operation may be ${MOST_LEVELS} levels deep.`),
      }),
    )
    addValidationRule(
      maxAliasesRule({
        n: MOST_ALIASES,
        // An alias of `__typename` is as long to write and to answer as any other.
        allowList: [],
        ...refuse(`An operation may have ${MOST_ALIASES} aliases.`),
      }),
    )
    addValidationRule(noThen)
    addValidationRule(
      maxDirectivesRule({
        n: MOST_DIRECTIVES,
        ...refuse(`An operation may have ${MOST_DIRECTIVES} directives.`),
      }),
    )
  },
}

/** The executor takes an answer that has a `then` for a promise, and fails in words for nobody. */
function noThen(context: ValidationContext): ASTVisitor {
  return {
    Field(node) {
      if (node.alias?.value !== 'then') return
      context.reportError(
        new GraphQLError('No alias may be called `then`.', {
          nodes: node.alias,
          extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
        }),
      )
    },
  }
}

/** The rules throw what they find; a validation reports it, so that it is answered like any other. */
function refuse(message: string) {
  return {
    propagateOnRejection: false,
    onReject: [
      (context: ValidationContext | null) =>
        context?.reportError(
          new GraphQLError(message, { extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }),
        ),
    ],
  }
}

/** Yoga plugin that hides the schema: disables introspection and name suggestions. */
import {
  type ExecutionResult,
  GraphQLError,
  NoSchemaIntrospectionCustomRule,
  type ValidationRule,
  validate,
} from 'graphql'
import { mapExecutionResults, type GatewayPlugin } from './plugin.ts'

/** Rejects introspection and `_service` of federation, and removes "Did you mean …?", which reveals the schema name by name. */
export const disableIntrospectionPlugin: GatewayPlugin = {
  onValidate({ addValidationRule, setValidationFn }) {
    addValidationRule(NoSchemaIntrospectionCustomRule)
    addValidationRule(noServiceSDL)
    setValidationFn(validateWithoutSuggestions)
  },
  // Variables are coerced during execution, whose errors contain suggestions, too.
  ...mapExecutionResults(withoutSuggestions),
}

/** Validation rule: rejects `_service`, whose `sdl` is the schema. */
const noServiceSDL: ValidationRule = (context) => ({
  Field(node) {
    if (context.getFieldDef()?.name !== '_service') return
    context.reportError(
      new GraphQLError(
        'Introspection has been disabled, and with it the field `_service`. Compose with the schema of a gateway with INTROSPECTION=true.',
        { nodes: node },
      ),
    )
  },
})

const validateWithoutSuggestions: typeof validate = (schema, document, rules, options) =>
  validate(schema, document, rules, { ...options, hideSuggestions: true })

function withoutSuggestions(result: ExecutionResult): ExecutionResult {
  if (result.errors === undefined) return result
  return { ...result, errors: result.errors.map(withoutSuggestion) }
}

function withoutSuggestion(error: GraphQLError): GraphQLError {
  const [message = ''] = error.message.split(' Did you mean ')
  if (message === error.message) return error
  const { nodes = null, source, positions, path, extensions } = error
  return new GraphQLError(message, { nodes, source, positions, path, extensions })
}

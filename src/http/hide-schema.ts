/** What a gateway does that is not to tell what its schema looks like. */
import { NoSchemaIntrospectionCustomRule, validate } from 'graphql'
import type { Plugin } from 'graphql-yoga'

/** No introspection, and no "Did you mean …?", by which a schema can be guessed name by name. */
export const useHiddenSchema: Plugin = {
  onValidate({ addValidationRule, setValidationFn }) {
    addValidationRule(NoSchemaIntrospectionCustomRule)
    setValidationFn((schema, document, rules, options) =>
      validate(schema, document, rules, { ...options, hideSuggestions: true }),
    )
  },
  onExecute({ executeFn, setExecuteFn }) {
    setExecuteFn((args) => executeFn(withoutSuggestions(args)))
  },
  onSubscribe({ subscribeFn, setSubscribeFn }) {
    setSubscribeFn((args) => subscribeFn(withoutSuggestions(args)))
  },
}

/** Variables are read when the operation is executed; graphql-js knows this option, its types do not. */
function withoutSuggestions<T extends object>(args: T): T {
  return { ...args, hideSuggestions: true }
}

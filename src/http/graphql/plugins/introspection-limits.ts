/**
 * Limits an introspection result to the size of the schema. Other limits do not count introspection, because
 * it reads no uploads. Without this limit, aliases and fragments multiply the schema's lists.
 */
import {
  type FieldNode,
  GraphQLError,
  Kind,
  type SelectionSetNode,
  type ValidationContext,
  type ValidationRule,
} from 'graphql'

const ROOT_FIELDS: ReadonlySet<string> = new Set(['__schema', '__type'])

/**
 * Validation rule: rejects an introspection field that is selected twice in a selection set. The queries of
 * graphql-js and of tools select each field once. The rule MaxIntrospectionDepthRule of graphql-js limits the
 * nesting of introspection lists.
 */
export const eachIntrospectionFieldOnce: ValidationRule = (context) => {
  /** Checked selection sets. Checking a fragment for each spread would take exponential time if nested. */
  const checked = new Set<SelectionSetNode>()

  function check(fields: readonly FieldNode[]): void {
    const names = new Set<string>()
    for (const field of fields) {
      const { name, alias, selectionSet } = field
      // Without an alias it adds one key to the result, and clients add it to every selection set.
      if (name.value === '__typename' && alias === undefined) continue
      if (names.has(name.value)) {
        report(context, field)
        return
      }
      names.add(name.value)
      if (selectionSet === undefined || checked.has(selectionSet)) continue
      checked.add(selectionSet)
      check(fieldsOf(context, selectionSet))
    }
  }

  return {
    OperationDefinition({ selectionSet }) {
      check(fieldsOf(context, selectionSet).filter(({ name }) => ROOT_FIELDS.has(name.value)))
    },
  }
}

/** Returns the fields of a selection set and its fragments. Visits each fragment once, as CollectFields does. */
function fieldsOf(context: ValidationContext, selectionSet: SelectionSetNode): FieldNode[] {
  const fields: FieldNode[] = []
  const spread = new Set<string>()

  function collect({ selections }: SelectionSetNode): void {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) {
        fields.push(selection)
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        collect(selection.selectionSet)
      } else if (!spread.has(selection.name.value)) {
        spread.add(selection.name.value)
        const fragment = context.getFragment(selection.name.value)
        if (fragment) collect(fragment.selectionSet)
      }
    }
  }
  collect(selectionSet)
  return fields
}

function report(context: ValidationContext, field: FieldNode): void {
  context.reportError(
    new GraphQLError(
      `Introspection may select each field once in a selection set and its fragments, aliases included; \`${field.name.value}\` is selected again. Remove one of the two.`,
      { nodes: field, extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } },
    ),
  )
}

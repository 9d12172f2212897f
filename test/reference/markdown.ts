/** Markdown for the API reference: tables, and types with links to their descriptions. */
import {
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLType,
  astFromValue,
  isListType,
  isNonNullType,
  isSpecifiedScalarType,
  print,
} from 'graphql'

/** Returns a table, or an empty string if it has no rows. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return ''
  const lines = [head, head.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** Escapes a text for a table cell. */
export function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ')
}

export function code(text: string): string {
  return `\`${text}\``
}

/** Returns the name with a link to its heading; GraphQL's built-in scalars have no heading. */
export function linkTo(type: GraphQLNamedType): string {
  return isSpecifiedScalarType(type) ? type.name : `[${type.name}](#${anchorOf(type.name)})`
}

/** Returns the type in schema syntax, such as `[Upload!]!`, with its name linked. */
export function typeOf(type: GraphQLType): string {
  if (isNonNullType(type)) return `${typeOf(type.ofType)}!`
  if (isListType(type)) return `\\[${typeOf(type.ofType)}\\]`
  return linkTo(type)
}

/** Returns ` = true` for an argument with this default; an empty string without default. */
export function defaultOf({ defaultValue, type }: GraphQLArgument | GraphQLInputField): string {
  if (defaultValue === undefined) return ''
  const value = astFromValue(defaultValue, type)
  return value ? ` = ${code(cell(print(value)))}` : ''
}

/** Returns the anchor of a heading on GitHub and npm. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-')
}

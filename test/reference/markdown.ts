/** Pieces of Markdown for the reference: tables, and types with links to where they are described. */
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

/** A table; nothing where it has no rows. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return ''
  const lines = [head, head.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** Text that stays in its cell. */
export function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ')
}

export function code(text: string): string {
  return `\`${text}\``
}

/** The name, linked to its heading; GraphQL's own scalars have none. */
export function linkTo(type: GraphQLNamedType): string {
  return isSpecifiedScalarType(type) ? type.name : `[${type.name}](#${anchorOf(type.name)})`
}

/** The type as the schema writes it, such as `[Upload!]!`, with its name linked. */
export function typeOf(type: GraphQLType): string {
  if (isNonNullType(type)) return `${typeOf(type.ofType)}!`
  if (isListType(type)) return `\\[${typeOf(type.ofType)}\\]`
  return linkTo(type)
}

/** ` = true`, where there is a default. */
export function defaultOf({ defaultValue, type }: GraphQLArgument | GraphQLInputField): string {
  if (defaultValue === undefined) return ''
  const value = astFromValue(defaultValue, type)
  return value ? ` = ${code(cell(print(value)))}` : ''
}

/** The anchor that GitHub, npm and most others give a heading. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-')
}

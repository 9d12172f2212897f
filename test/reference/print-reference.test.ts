/** Output of the reference printer for each kind of schema element. */
import { buildSchema } from 'graphql'
import { expect, it } from 'vitest'
import { printReference } from './print-reference.ts'

it('prints defaults, deprecations, lists and interfaces', () => {
  const schema = buildSchema(`
    """Things with a name."""
    interface Named { "Its | name" name: String! }
    """A dog."""
    type Dog implements Named {
      name: String!
      "Barks."
      bark(times: Int! = 2, "How loud" volume: Volume = LOUD): [String!]! @deprecated(reason: "Dogs are quiet now.")
    }
    """How loud it is."""
    enum Volume { "Very" LOUD QUIET @deprecated(reason: "Never.") }
    union Pet = Dog
    scalar Bone @specifiedBy(url: "https://example.com/bone")
    type Query { "All of them." pets(names: [String!] = ["Rex"], bone: Bone): [Pet!]! }
  `)
  expect(printReference(schema).split('\n\n').slice(2).join('\n\n')).toMatchInlineSnapshot(`
    "## Queries

    ### Query.pets

    All of them.

    | argument | type | meaning |
    | --- | --- | --- |
    | \`names\` | \\[String!\\] = \`["Rex"]\` |  |
    | \`bone\` | [Bone](#bone) |  |

    Returns \\[[Pet](#pet)!\\]!.

    ## Unions

    ### Pet

    One of [Dog](#dog).

    ## Objects

    ### Dog

    A dog.

    Implements [Named](#named).

    | field | type | meaning |
    | --- | --- | --- |
    | \`name\` | String! |  |
    | \`bark\` | \\[String!\\]! | **Deprecated: Dogs are quiet now.** Barks. |
    | \`bark(times)\` | Int! = \`2\` |  |
    | \`bark(volume)\` | [Volume](#volume) = \`LOUD\` | How loud |

    ## Interfaces

    ### Named

    Things with a name.

    Implemented by [Dog](#dog).

    | field | type | meaning |
    | --- | --- | --- |
    | \`name\` | String! | Its \\| name |

    ## Enums

    ### Volume

    How loud it is.

    | value | meaning |
    | --- | --- |
    | \`LOUD\` | Very |
    | \`QUIET\` | **Deprecated: Never.** |

    ## Scalars

    ### Bone

    Specified by <https://example.com/bone>.
    "
  `)
})

/** GraphQL Yoga started as in its documentation. */
import { createServer } from 'node:http'
import { createSchema, createYoga } from 'graphql-yoga'
import { listen } from './listen.mjs'
import { resolvers, typeDefs } from './schema.mjs'

listen(createServer(createYoga({ schema: createSchema({ typeDefs, resolvers }) })))

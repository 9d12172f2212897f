/** GraphQL Yoga as its documentation starts it. */
import { createServer } from 'node:http'
import { createSchema, createYoga } from 'graphql-yoga'
import { listen } from './listen.mjs'
import { resolvers, typeDefs } from './schema.mjs'

listen(createServer(createYoga({ schema: createSchema({ typeDefs, resolvers }) })))

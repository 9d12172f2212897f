/** `createUploads` at two gateways on one PostgreSQL. */
import { tokenFor } from '../kit/gateway.ts'
import { describeWithPostgres } from '../kit/postgres.ts'
import { describeCreateUploads } from '../contracts/create-uploads.ts'
import { startTwoGateways } from './setup.ts'

describeWithPostgres('createUploads at two gateways', () => {
  describeCreateUploads(async (variables) => {
    const { gateways } = await startTwoGateways({ CREATOR_QUOTA_MINUTES: '100', ...variables })
    const token = await tokenFor('ada')
    return {
      callers: [gateways[0].as(token), gateways[1].as(token)],
      as: (other) => gateways[1].as(other),
    }
  })
})

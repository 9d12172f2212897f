/** The part of the gateway's schema that the measured query needs, for the GraphQL peers. */
import { findUpload } from './uploads.mjs'

export const typeDefs = /* GraphQL */ `
  scalar DateTime
  enum UploadStatus {
    PENDING_UPLOAD
    UPLOADING
    EXPIRED
    QUEUED
    IN_PROGRESS
    ERROR
    READY
    DELETED
  }
  enum UploadProtocol {
    BASIC
    TUS
  }
  type UploadProgress {
    encodingPercent: Float
  }
  type Upload {
    uid: ID!
    status: UploadStatus!
    protocol: UploadProtocol!
    name: String
    createdAt: DateTime!
    expiresAt: DateTime!
    version: Int!
    progress: UploadProgress!
  }
  type Query {
    upload(uid: ID!): Upload
  }
`

export const resolvers = {
  Query: { upload: (_root, { uid }) => findUpload(uid) },
}

export { type Decoded, decodeMessage, encodeMessage } from './core/codec.ts'
export { type FrameHeader, KINDS, type KnownKind, type Message, type MessageBody } from './core/message.ts'
export type { MemberRecord, MemberState, Metadata, MetadataEntries, Rumor, UnknownField } from './core/record.ts'
export { PROTOCOL_VERSIONS, type VersionRange } from './core/versions.ts'

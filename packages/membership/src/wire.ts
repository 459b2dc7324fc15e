export { type Decoded, decodeMessage, encodeMessage, WIRE_VERSION } from './core/codec.ts'
export { KINDS, type Message, type MessageBody } from './core/message.ts'
export type { MemberRecord, MemberState, Metadata, MetadataEntries, Rumor } from './core/record.ts'

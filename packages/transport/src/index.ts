export { ChannelHandlers } from './channel-handlers.ts'
export { assertChannel, assertFrameFits, assertGeneration, assertNodeId, assertPeerAddress } from './checks.ts'
export { BroadcastUnsupportedError, ChannelTakenError, FrameTooLargeError } from './errors.ts'
export type {
  ConnectionState,
  Destination,
  FrameHandler,
  PeerAddress,
  Transport,
  TransportCapabilities,
  TransportEvent,
} from './port.ts'

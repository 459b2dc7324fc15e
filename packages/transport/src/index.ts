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

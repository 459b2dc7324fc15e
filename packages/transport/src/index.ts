export { ChannelHandlers } from './channel-handlers.ts'
export {
  assertChannel,
  assertFrameFits,
  assertGeneration,
  assertNodeId,
  assertPeerAddress,
  assertTag,
} from './checks.ts'
export { BroadcastUnsupportedError, ChannelTakenError, FrameTooLargeError } from './errors.ts'
export { FrameBudget, type FrameBudgetLimits } from './frame-budget.ts'
export { LocalQueue } from './local-queue.ts'
export type {
  ConnectionState,
  Destination,
  FrameHandler,
  PeerAddress,
  Transport,
  TransportCapabilities,
  TransportEvent,
} from './port.ts'
export {
  RpcNotSentError,
  RpcOverloadedError,
  RpcPeerAbsentError,
  RpcRemoteError,
  RpcStoppedError,
  RpcTimeoutError,
  RpcUnknownMethodError,
} from './rpc/errors.ts'
export { type CallOptions, Rpc, type RpcOptions, type RpcPorts } from './rpc/rpc.ts'
export type { RpcContext, RpcHandler } from './rpc/server.ts'
export type { TraceContext } from './rpc/trace.ts'
export { TransportEndpoint, type TransportEndpointOptions } from './transport-endpoint.ts'

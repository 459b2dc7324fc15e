export {
  NatsAuthenticationError,
  NatsFrameLimitError,
  NatsPermissionError,
  NatsTlsError,
  NatsUnreachableError,
} from './errors.ts'
export { NatsTransport, type NatsTransportPorts } from './nats-transport.ts'
export type { NatsAuthentication, NatsTls, NatsTransportOptions, ServiceDiscoveryOptions } from './options.ts'

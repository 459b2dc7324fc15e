export {
  NatsAuthenticationError,
  NatsFrameLimitError,
  NatsPermissionError,
  NatsUnreachableError,
} from './errors.ts'
export { NatsTransport, type NatsTransportPorts } from './nats-transport.ts'
export type { NatsAuthentication, NatsTls, NatsTransportOptions } from './options.ts'

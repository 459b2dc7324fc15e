import type { Module } from '@dsys/di'
import { CLOCK, LOGGER, METER, RANDOM } from '@dsys/runtime/di'
import { TRANSPORT } from '@dsys/transport/di'
import { NatsTransport } from './nats-transport.ts'
import type { NatsTransportOptions } from './options.ts'

/** Registers a {@link NatsTransport} as the transport of the node. */
export function natsTransport(options: NatsTransportOptions): Module {
  return (scope) => {
    scope.register(TRANSPORT, (parts) => {
      const ports = {
        clock: parts.get(CLOCK),
        random: parts.get(RANDOM),
        logger: parts.get(LOGGER),
        meter: parts.get(METER),
      }
      return new NatsTransport(ports, options)
    })
  }
}

import type { Module } from '@dsys/di'
import { CLOCK, LOGGER, METER, RANDOM } from '@dsys/runtime/di'
import { TRANSPORT } from '@dsys/transport/di'
import type { TcpTransportOptions } from './options.ts'
import { TcpTransport } from './tcp-transport.ts'

/** Registers a {@link TcpTransport} as the transport of the node. */
export function tcpTransport(options: TcpTransportOptions): Module {
  return (scope) => {
    scope.register(TRANSPORT, (parts) => {
      const ports = {
        clock: parts.get(CLOCK),
        random: parts.get(RANDOM),
        logger: parts.get(LOGGER),
        meter: parts.get(METER),
      }
      return new TcpTransport(ports, options)
    })
  }
}

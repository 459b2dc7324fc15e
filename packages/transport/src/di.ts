import { type Token, token } from '@dsys/di'
import type { Transport } from './port.ts'

/** The transport of the node. Adapters register it; protocols ask for it. */
export const TRANSPORT: Token<Transport> = token('dsys.Transport')

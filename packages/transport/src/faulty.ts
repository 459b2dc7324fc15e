export {
  type Direction,
  type FaultCounts,
  type FaultyOptions,
  type FaultyPorts,
  FaultyTransport,
  faulty,
} from './faulty/faulty-transport.ts'
export { drawPassages, type LinkConditions, type Passage, resolveLink } from './faulty/link.ts'

export type { ConformanceRunner, TransportFactory, TransportFixture } from './conformance/rig.ts'
export { type ConformanceDeclaration, transportConformance } from './conformance/suite.ts'

export { type CreatedNode, createNode, type NodeOptions, type NodePorts } from './create-node.ts'
export { DsysNode } from './dsys-node.ts'
export type { KvPart, MembershipPart, NodeMember, NodeParts } from './parts.ts'
export type { GroupMembers, NodeStatus, Readiness } from './status.ts'

import { testExample } from '../../../tooling/fixtures/readme-example.ts'

testExample(import.meta.url, 'readme-example.ts', () => import('./readme-example.ts'))
testExample(import.meta.url, 'members-example.ts', () => import('./members-example.ts'))
testExample(import.meta.url, 'groups-example.ts', () => import('./groups-example.ts'))
testExample(import.meta.url, 'recover-example.ts', () => import('./recover-example.ts'))
testExample(import.meta.url, 'clients-example.ts', () => import('./clients-example.ts'))
testExample(import.meta.url, 'snapshot-example.ts', () => import('./snapshot-example.ts'))

import { testExample } from '../../../tooling/fixtures/readme-example.ts'

testExample(import.meta.url, 'example.ts', () => import('./example.ts'))
testExample(import.meta.url, 'table-example.ts', () => import('./table-example.ts'))

import { testExample } from '../../../tooling/readme/example.ts'

testExample(import.meta.url, 'example.ts', () => import('./example.ts'))

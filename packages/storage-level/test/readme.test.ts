import { testExample } from '../../../tooling/fixtures/readme-example.ts'

testExample(import.meta.url, 'readme-example.ts', () => import('./readme-example.ts'))

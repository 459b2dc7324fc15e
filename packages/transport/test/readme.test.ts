import { test } from 'vitest'
import { expectShown, testExample } from '../../../tooling/fixtures/readme-example.ts'

testExample(import.meta.url, 'example.ts', () => import('./example.ts'))
testExample(import.meta.url, 'faulty-example.ts', () => import('./faulty-example.ts'))

test('the README shows how the suite is used, as a file that is a test here', () => {
  expectShown(import.meta.url, 'conformance.test.ts')
})

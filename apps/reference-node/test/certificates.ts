import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Makes an authority `ca`, and certificates of `nodes` that it has signed, as `<name>.pem` and `<name>.key` in `directory`, with openssl. */
export function makeCertificates(directory: string, ca: string, nodes: readonly string[]): void {
  const path = (name: string): string => join(directory, name)
  const openssl = (...args: readonly string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl(
    'req',
    '-x509',
    ...newKey,
    ...['-keyout', path(`${ca}.key`), '-out', path(`${ca}.pem`)],
    ...['-subj', `/CN=${ca}`],
  )
  for (const node of nodes) {
    openssl(
      'req',
      ...newKey,
      ...['-keyout', path(`${node}.key`), '-out', path(`${node}.csr`)],
      ...['-subj', `/CN=${node}`],
    )
    writeFileSync(path(`${node}.ext`), `subjectAltName=DNS:${node}\n`)
    const signed = ['-CA', path(`${ca}.pem`), '-CAkey', path(`${ca}.key`), '-CAcreateserial', '-days', '2']
    openssl(
      'x509',
      '-req',
      '-in',
      path(`${node}.csr`),
      ...signed,
      '-extfile',
      path(`${node}.ext`),
      '-out',
      path(`${node}.pem`),
    )
  }
}

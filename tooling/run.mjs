#!/usr/bin/env node
// The one program behind the scripts in package.json. It needs nothing but Node and npm: what is missing it installs into
// this checkout. Kept to old syntax, so that an old Node prints the message below and not a parse error.

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `dsys needs Node.js 20.19 or newer, and this is ${process.versions.node} (${process.execPath}).\n` +
      'Install a newer one from https://nodejs.org or with your version manager, then run the same command again.\n',
  )
  process.exitCode = 1
} else {
  import('./bootstrap/main.mjs')
    .then((bootstrap) => bootstrap.main(process.argv.slice(2)))
    .then(
      (exitCode) => {
        process.exitCode = exitCode
      },
      (error) => {
        process.stderr.write(`${error?.expected === true ? error.message : (error?.stack ?? error)}\n`)
        process.exitCode = 1
      },
    )
}

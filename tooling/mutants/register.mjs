import { register } from 'node:module'

// For `node --import`: plants the mutant that the environment names into the build, as Node.js loads it.
register('./hooks.mjs', import.meta.url)
